// Plays scripts to router/machine.ts, for its tables.
import { expect, it } from 'vitest';
import type { ErrorCode } from '../../worker/errors.generated.js';
import {
  begin,
  type Happening,
  type Machine,
  type Rival,
  step,
  wakeTime,
} from '../../router/machine.js';

// As a GPU, a quantized and two float routes would be ranked.
export const rivals: readonly Rival[] = [
  { id: 'gpu', bytes: 400, cost: 1 },
  { id: 'int8', bytes: 100, cost: 1 },
  { id: 'fp32', bytes: 400, cost: 2 },
  { id: 'simd', bytes: 400, cost: 2 },
];

export type At = readonly [seconds: number, happening: Happening];
export interface Played {
  readonly machine: Machine;
  // The moves that began, as "reason to".
  readonly moves: readonly string[];
}

export function play(
  events: readonly At[],
  from: Machine | string = 'fp32',
  among = rivals,
): Played {
  let machine = typeof from === 'string' ? begin(from) : from;
  const moves: string[] = [];
  for (const [seconds, happening] of events) {
    const next = step(machine, among, happening, seconds * 1000);
    machine = next.machine;
    if (next.begin) moves.push(`${next.begin.reason} ${next.begin.to}`);
  }
  return { machine, moves };
}

export const trap: Happening = { type: 'error', code: 'ENGINE_TRAP', closed: true };
export const bug: Happening = { type: 'error', code: 'INTERNAL', closed: false };
export const noMemory: Happening = { type: 'error', code: 'OUT_OF_MEMORY', closed: false };
export const moved: Happening = { type: 'moved' };
export const lost: Happening = { type: 'lost' };
export const tick: Happening = { type: 'tick', hidden: false };
export const asked = (to: string): Happening => ({ type: 'asked', to });
export const failed = (code: ErrorCode) => ({ type: 'failed', code }) as const;
export const window = (ms: number, over = true): Happening => ({ type: 'measured', ms, over });

export interface Case {
  readonly name: string;
  readonly events: readonly At[];
  readonly from?: string;
  readonly moves: readonly string[];
  readonly state: Machine['state'];
  readonly active: string;
  // The best of where it goes back to.
  readonly home?: string;
  // Seconds.
  readonly wakes?: number;
}

export function itPlays(cases: readonly Case[]): void {
  it.each(cases)('$name', ({ events, from, moves, state, active, home, wakes }) => {
    const { moves: begun, machine } = play(events, from);
    expect(begun).toEqual(moves);
    expect(machine).toMatchObject({ state, active });
    if (home) expect(machine.homes[0]).toBe(home);
    if (wakes !== undefined) expect(wakeTime(machine, rivals)).toBe(wakes * 1000);
  });
}
