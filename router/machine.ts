// What a session does about errors, slowness and wishes: a pure function of what happened and when.
// docs/router.md has the diagram. Times are milliseconds of one clock.
import { ERRORS, type ErrorCode } from '../worker/errors.generated.js';
import {
  closeForGood,
  counted,
  type Health,
  HEALTHY,
  isReady,
  open,
  waitForNetwork,
} from './breaker.js';

/**
 * 'starting': a route takes the place of one that is gone, runs wait. 'swapping': a route starts beside the
 * one that serves. 'exhausted': no route is left for the moment, runs reject.
 */
export type SessionState = 'starting' | 'serving' | 'swapping' | 'exhausted' | 'disposed';

// A route that could serve. `cost` is the time it takes, relative to others; Infinity: never for speed.
export interface Rival {
  readonly id: string;
  readonly bytes: number;
  readonly cost: number;
}

// Why a route starts. The first two replace a route that is gone, the others start beside it.
export type Reason = 'respawn' | 'failover' | 'asked' | 'slow' | 'undo' | 'better';

export interface Move {
  readonly to: string;
  readonly reason: Reason;
}

export interface Machine {
  readonly state: SessionState;
  readonly active: string;
  // Where to go back to after failures: what was chosen, asked for, or found faster.
  readonly home: string;
  readonly health: Readonly<Record<string, Health>>;
  readonly move?: Move | undefined;
  // Of the last move for speed.
  readonly changedAt: number;
  // The route that was left because it was slow, and its median time.
  readonly judged?: { readonly from: string; readonly ms: number } | undefined;
  // Moves for speed that did not help, as "from > to".
  readonly barred: readonly string[];
  // Routes of a version that was rolled back. None of them starts again.
  readonly condemned?: readonly string[];
}

export type Happening =
  // The active route ended without a fault of its own.
  | { readonly type: 'lost' }
  // A run failed by the fault of the active route, which has ended if `closed`.
  | { readonly type: 'error'; readonly code: ErrorCode; readonly closed: boolean }
  // The move under way has ended.
  | { readonly type: 'moved' }
  | { readonly type: 'failed'; readonly code: ErrorCode }
  | { readonly type: 'cancelled' }
  | { readonly type: 'asked'; readonly to: string }
  // A window of service times; `over` when this one and the one before were over the budget.
  | { readonly type: 'measured'; readonly ms: number; readonly over: boolean }
  | { readonly type: 'condemned'; readonly ids: readonly string[] }
  | { readonly type: 'tick'; readonly hidden: boolean }
  | { readonly type: 'disposed' };

export interface Step {
  readonly machine: Machine;
  // A move that begins with this step.
  readonly begin?: Move | undefined;
}

const DWELL_MS = 30_000;
// How much faster a route must promise to be, and must then be.
const WORTH_GOING = 1.3;
const WORTH_STAYING = 1.1;
// Errors in the window of router/breaker.ts after which a route is left.
const MAX_TRAPS = 2;
const MAX_ERRORS = 3;

export const begin = (active: string): Machine => ({
  state: 'serving',
  active,
  home: active,
  health: {},
  changedAt: -Infinity,
  barred: [],
});

export const healthOf = ({ health }: Machine, id: string) => health[id] ?? HEALTHY;

export const isCondemned = ({ condemned = [] }: Machine, id: string) => condemned.includes(id);

// `all` are the routes that could serve, best first.
export function step(
  machine: Machine,
  all: readonly Rival[],
  happening: Happening,
  now: number,
): Step {
  if (machine.state === 'disposed') return { machine };
  const rivals = all.filter(({ id }) => !isCondemned(machine, id));
  switch (happening.type) {
    case 'lost':
      return respawn(machine, rivals, now);
    case 'error':
      return afterError(machine, rivals, happening, now);
    case 'moved':
      return { machine: arrive(machine, now) };
    case 'failed':
      return afterFailedMove(machine, rivals, happening.code, now);
    case 'cancelled':
      return stay(machine, rivals, now);
    case 'asked':
      return go(machine, { to: happening.to, reason: 'asked' });
    case 'measured':
      return afterWindow(machine, rivals, happening, now);
    case 'condemned':
      return condemn(machine, rivals, happening.ids, now);
    case 'tick':
      return afterTick(machine, rivals, happening.hidden, now);
    case 'disposed':
      return { machine: { ...machine, state: 'disposed', move: undefined } };
  }
}

// When the next tick matters; undefined when none does.
export function wakeTime({ state, active, home, health }: Machine): number | undefined {
  const times =
    state === 'exhausted'
      ? Object.values(health).map(({ until }) => until)
      : state === 'serving' && active !== home
        ? [health[home]?.until ?? 0]
        : [];
  const time = Math.min(...times);
  return Number.isFinite(time) ? time : undefined;
}

function go(machine: Machine, move: Move): Step {
  const replaces = move.reason === 'respawn' || move.reason === 'failover';
  const state = replaces ? 'starting' : 'swapping';
  return { machine: { ...machine, state, move }, begin: move };
}

function withHealth(machine: Machine, id: string, change: (health: Health) => Health): Machine {
  return { ...machine, health: { ...machine.health, [id]: change(healthOf(machine, id)) } };
}

function next(machine: Machine, rivals: readonly Rival[], now: number): Step {
  const rival = rivals.find(({ id }) => isReady(healthOf(machine, id), now));
  if (rival) return go(machine, { to: rival.id, reason: 'failover' });
  return { machine: { ...machine, state: 'exhausted', move: undefined } };
}

function respawn(machine: Machine, rivals: readonly Rival[], now: number): Step {
  if (machine.state !== 'serving') return { machine };
  const { active } = machine;
  const mayStart = isReady(healthOf(machine, active), now) && !isCondemned(machine, active);
  if (!mayStart) return next(machine, rivals, now);
  return go(machine, { to: active, reason: 'respawn' });
}

// The best of the other routes is the one to go to, beside the active one if that is condemned.
function condemn(
  machine: Machine,
  rivals: readonly Rival[],
  ids: readonly string[],
  now: number,
): Step {
  const home = rivals.find(({ id }) => !ids.includes(id))?.id ?? machine.home;
  const condemned: Machine = { ...machine, condemned: ids, home, judged: undefined };
  const leaves = machine.state === 'serving' && ids.includes(machine.active);
  return leaves ? afterTick(condemned, rivals, false, now) : { machine: condemned };
}

function afterError(
  before: Machine,
  rivals: readonly Rival[],
  { code, closed }: { code: ErrorCode; closed: boolean },
  now: number,
): Step {
  const { active, state } = before;
  const waits = state !== 'serving';
  if (code === 'OUT_OF_MEMORY' && !closed) {
    const used = rivals.find(({ id }) => id === active)?.bytes ?? 0;
    const smaller = rivals.find(
      ({ id, bytes }) => bytes < used && isReady(healthOf(before, id), now),
    );
    if (!smaller || waits) return { machine: before };
    const machine = withHealth(before, active, closeForGood);
    return go(machine, { to: smaller.id, reason: 'failover' });
  }
  let machine = withHealth(before, active, (health) => counted(health, now));
  const limit = closed ? MAX_TRAPS : MAX_ERRORS;
  const leave = healthOf(machine, active).errors.length >= limit;
  if (leave) machine = withHealth(machine, active, (health) => open(health, now));
  // What is starting already takes over, or the active route is looked at again when it can not.
  if (waits) return { machine };
  if (leave) return next(machine, rivals, now);
  return closed ? respawn(machine, rivals, now) : { machine };
}

function arrive({ move, ...machine }: Machine, now: number): Machine {
  const { to, reason } = move!;
  const there: Machine = { ...machine, state: 'serving', active: to };
  const home = isCondemned(machine, to) ? machine.home : to;
  switch (reason) {
    case 'asked':
      return { ...withHealth(there, to, () => HEALTHY), home, judged: undefined };
    case 'slow': {
      const judged = { from: machine.active, ms: healthOf(machine, machine.active).ms! };
      return { ...there, home, judged, changedAt: now };
    }
    case 'undo':
      return { ...there, home, judged: undefined, changedAt: now };
    default:
      return { ...there, judged: undefined };
  }
}

function afterFailedMove(
  { move, ...rest }: Machine,
  rivals: readonly Rival[],
  code: ErrorCode,
  now: number,
): Step {
  const { to, reason } = move!;
  // Tells nothing about a route of the same name that serves.
  if (reason === 'asked') return stay(rest, rivals, now);
  const failed = withHealth(rest, to, (health) => afterFailedStart(health, code, now));
  if (reason === 'respawn' || reason === 'failover') return next(failed, rivals, now);
  return stay(reason === 'better' ? failed : bar(failed, rest.active, to), rivals, now);
}

// With the active route, unless it failed too often in the meantime.
function stay({ move: _, ...machine }: Machine, rivals: readonly Rival[], now: number): Step {
  if (!isReady(healthOf(machine, machine.active), now)) return next(machine, rivals, now);
  return { machine: { ...machine, state: 'serving' } };
}

function afterFailedStart(health: Health, code: ErrorCode, now: number): Health {
  const [, scope] = ERRORS[code];
  if (scope === 'network' || scope === 'storage') return waitForNetwork(health, now);
  const again = scope === 'route' && code !== 'SELFTEST_FAILED' && code !== 'ENGINE_VERSION';
  return again ? open(health, now) : closeForGood(health);
}

const direction = (from: string, to: string) => `${from} > ${to}`;
const bar = (machine: Machine, from: string, to: string): Machine => ({
  ...machine,
  barred: [...machine.barred, direction(from, to)],
});

function afterWindow(
  before: Machine,
  rivals: readonly Rival[],
  { ms, over }: { ms: number; over: boolean },
  now: number,
): Step {
  const { active, judged, state } = before;
  const measured = withHealth(before, active, (health) => ({ ...health, ms }));
  if (state !== 'serving') return { machine: measured };
  const machine: Machine = { ...measured, judged: undefined };
  if (judged && ms * WORTH_STAYING > judged.ms) {
    const barred = bar(machine, judged.from, active);
    const { from } = judged;
    const back = isReady(healthOf(machine, from), now) && !isCondemned(machine, from);
    return back ? go(barred, { to: from, reason: 'undo' }) : { machine: barred };
  }
  if (!over || now - machine.changedAt < DWELL_MS) return { machine };
  const faster = rivals.find(({ id }) => id !== active && isFaster(machine, rivals, id, now));
  return faster ? go(machine, { to: faster.id, reason: 'slow' }) : { machine };
}

function isFaster(machine: Machine, rivals: readonly Rival[], id: string, now: number): boolean {
  const { active, barred } = machine;
  const costOf = (wanted: string) => rivals.find((rival) => rival.id === wanted)?.cost ?? Infinity;
  if (
    costOf(id) === Infinity ||
    barred.includes(direction(active, id)) ||
    !isReady(healthOf(machine, id), now)
  )
    return false;
  const [mine, other] = [healthOf(machine, active).ms, healthOf(machine, id).ms];
  if (mine !== undefined && other !== undefined) return mine / other >= WORTH_GOING;
  return costOf(active) / costOf(id) >= WORTH_GOING;
}

function afterTick(machine: Machine, rivals: readonly Rival[], hidden: boolean, now: number): Step {
  const { state, active, home } = machine;
  if (hidden) return { machine };
  if (state === 'exhausted') return next(machine, rivals, now);
  const better = state === 'serving' && active !== home && isReady(healthOf(machine, home), now);
  return better ? go(machine, { to: home, reason: 'better' }) : { machine };
}
