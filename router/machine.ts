// What a session does about errors, slowness and wishes: a pure function of what happened and when.
// docs/router.md has the diagram. Times are milliseconds of one clock.
import type { ErrorCode } from '../worker/errors.generated.js';
import {
  afterFailedStart,
  closeForGood,
  counted,
  type Health,
  HEALTHY,
  isReady,
  open,
  rest,
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
  // There is no room beside the active route, which has ended.
  readonly alone?: boolean;
}

export interface Machine {
  readonly state: SessionState;
  readonly active: string;
  // Where to go back to after failures, best first: what load() wanted, or what was asked for or found
  // faster since.
  readonly homes: readonly string[];
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
  // The active route has left its device and goes on as another route. `again`: the device may come back.
  | { readonly type: 'left'; readonly to: string; readonly again: boolean }
  // There is no room for the move under way: the active route has ended before it.
  | { readonly type: 'alone' }
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

// What load() wanted more than the route that it has got.
export interface PassedOver {
  readonly id: string;
  readonly code: ErrorCode;
}

export function begin(active: string, passedOver: readonly PassedOver[] = [], now = 0): Machine {
  const health = Object.fromEntries(
    passedOver.map(({ id, code }) => [id, afterFailedStart(HEALTHY, code, now, false)]),
  );
  const better = Object.keys(health).filter((id) => health[id]!.until < Infinity);
  const homes = [...better, active];
  return { state: 'serving', active, homes, health, changedAt: -Infinity, barred: [] };
}

export const healthOf = ({ health }: Machine, id: string) => health[id] ?? HEALTHY;

export const isCondemned = ({ condemned = [] }: Machine, id: string) => condemned.includes(id);

const allowed = (machine: Machine, all: readonly Rival[]) =>
  all.filter(({ id }) => !isCondemned(machine, id));

// `all` are the routes that could serve, best first.
export function step(
  machine: Machine,
  all: readonly Rival[],
  happening: Happening,
  now: number,
): Step {
  if (machine.state === 'disposed') return { machine };
  const rivals = allowed(machine, all);
  switch (happening.type) {
    case 'lost':
      return respawn(machine, rivals, now);
    case 'error':
      return afterError(machine, rivals, happening, now);
    case 'left':
      return { machine: leave(machine, happening, now) };
    case 'alone':
      return {
        machine: { ...machine, state: 'starting', move: { ...machine.move!, alone: true } },
      };
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
export function wakeTime(machine: Machine, all: readonly Rival[]): number | undefined {
  const rivals = allowed(machine, all);
  const waiting = {
    exhausted: rivals.map(({ id }) => id),
    serving: better(machine, rivals),
    starting: [],
    swapping: [],
    disposed: [],
  }[machine.state];
  const time = Math.min(...waiting.map((id) => healthOf(machine, id).until));
  return Number.isFinite(time) ? time : undefined;
}

// What would be gone to from the active route, were it ready.
function better({ active, homes }: Machine, rivals: readonly Rival[]): string[] {
  const place = homes.indexOf(active);
  const wanted = place < 0 ? homes : homes.slice(0, place);
  return wanted.filter((home) => rivals.some(({ id }) => id === home));
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
  const home = rivals.find(({ id }) => !ids.includes(id))?.id;
  const homes = home === undefined ? machine.homes : [home];
  const condemned: Machine = { ...machine, condemned: ids, homes, judged: undefined };
  const leaves = machine.state === 'serving' && ids.includes(machine.active);
  return leaves ? afterTick(condemned, rivals, false, now) : { machine: condemned };
}

function leave(machine: Machine, { to, again }: { to: string; again: boolean }, now: number) {
  const left = withHealth(machine, machine.active, (health) =>
    again ? rest(health, now) : closeForGood(health),
  );
  return { ...left, active: to, judged: undefined };
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
  const homes = isCondemned(machine, to) ? machine.homes : [to];
  switch (reason) {
    case 'asked':
      return { ...withHealth(there, to, () => HEALTHY), homes, judged: undefined };
    case 'slow': {
      const judged = { from: machine.active, ms: healthOf(machine, machine.active).ms! };
      return { ...there, homes, judged, changedAt: now };
    }
    case 'undo':
      return { ...there, homes, judged: undefined, changedAt: now };
    default:
      return { ...there, judged: undefined };
  }
}

function afterFailedMove(
  machine: Machine,
  rivals: readonly Rival[],
  code: ErrorCode,
  now: number,
): Step {
  const { active } = machine;
  const { to, reason } = machine.move!;
  // Tells nothing about a route of the same name that serves.
  if (reason === 'asked') return stay(machine, rivals, now);
  const replaces = reason === 'respawn' || reason === 'failover';
  const needed = replaces || isCondemned(machine, active);
  const failed = withHealth(machine, to, (health) => afterFailedStart(health, code, now, needed));
  if (replaces) return next(failed, rivals, now);
  return stay(reason === 'better' ? failed : bar(failed, active, to), rivals, now);
}

// With the active route, unless it failed too often in the meantime.
function stay({ move, ...machine }: Machine, rivals: readonly Rival[], now: number): Step {
  const { active } = machine;
  const serving: Machine = { ...machine, state: 'serving' };
  if (move?.alone) return respawn(serving, rivals, now);
  return isReady(healthOf(machine, active), now)
    ? { machine: serving }
    : next(machine, rivals, now);
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
  const { state } = machine;
  if (hidden) return { machine };
  if (state === 'exhausted') return next(machine, rivals, now);
  if (state !== 'serving') return { machine };
  const to = better(machine, rivals).find((id) => isReady(healthOf(machine, id), now));
  return to === undefined ? { machine } : go(machine, { to, reason: 'better' });
}
