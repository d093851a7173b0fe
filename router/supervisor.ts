// Keeps one route serving: carries out what router/machine.ts decides. One move at a time.
import { ERRORS } from '../worker/errors.generated.js';
import { asFailure, type Attempt, Failure } from '../worker/failure.js';
import type { RunProfile, WireTensor } from '../worker/protocol.js';
import {
  begin,
  type Happening,
  isCondemned,
  type Machine,
  type Move,
  type Rival,
  type SessionState,
  step,
  wakeTime,
} from './machine.js';
import { gpuCooling } from './gpu_loss.js';
import { forgetGpu } from './gpu_probe.js';
import { orAborted } from './or_aborted.js';
import { isHidden, onSeen } from './page_view.js';
import type { Feed, Route } from './route.js';
import { exhausted } from './serve.js';
import { ServiceTimes } from './service_times.js';
import type { Speeds } from './speeds.js';
import {
  idOf,
  type LocalTarget,
  rivalOf,
  type RouteChange,
  type RouteEvent,
  type Target,
} from './target.js';

export interface SupervisorParts {
  // All that could serve, best first.
  readonly targets: readonly Target[];
  // Tried in vain before the first one, best first.
  readonly passedOver?: readonly { readonly target: Target; readonly failure: Failure }[];
  readonly latencyBudgetMs: number;
  // A route that has been found good. `asked`: the caller named it.
  start(target: Target, signal: AbortSignal, asked: boolean): Promise<Route>;
  // Whether there is memory for it beside the route that serves.
  fitsBeside?(target: Target): boolean;
  emit(event: RouteEvent, change: RouteChange): void;
  speeds(): Speeds;
  // After the first run of a caller.
  answered?(): void;
  // Each run on a visible page that ended, and each start of a route that failed.
  observe?(report: RunReport): void;
}

export interface RunReport {
  readonly target: Target;
  // Of a run that gave results.
  readonly ms?: number;
  readonly failure?: Failure;
}

export interface SwapOptions {
  /** Gives up; the old route stays. Rejects with signal.reason. */
  signal?: AbortSignal | undefined;
  /** How long the run under way may take before it is repeated on the new route; default 10 s. */
  drainMs?: number | undefined;
}

export interface Serving {
  readonly target: Target;
  readonly route: Route;
  // What brought it here; undefined for the first one.
  readonly why?: string;
  readonly reason?: Move['reason'];
}

const DRAIN_MS = 10_000;
const MIN_SLEEP_MS = 1000;
const MAX_SLEEP_MS = 0x7fffffff;

const WHY: Readonly<Record<Move['reason'], string>> = {
  respawn: 'a new worker took over from one that had stopped',
  failover: 'took over from a route that failed',
  asked: 'swap() asked for it',
  slow: 'the route before was over the latency budget',
  undo: 'the faster route was none',
  better: 'back after a failure',
};

export class Supervisor {
  readonly #parts: SupervisorParts;
  #targets: Map<string, Target>;
  readonly #times: ServiceTimes;
  readonly #stop = new AbortController();
  readonly #busy = new WeakMap<Route, Promise<void>>();
  // The last failure of each route.
  readonly #failures = new Map<string, Failure>();
  #answered = false;
  #machine: Machine;
  #serving: Serving;
  // The last move; it never rejects.
  #moving: Promise<void> = Promise.resolve();
  #swaps: Promise<void> = Promise.resolve();
  // While an old route ends its run.
  #draining: Promise<void> | undefined;
  // A route that gets no more runs, for it makes room for another one.
  #ending: Route | undefined;
  #automatic: AbortController | undefined;
  #whyRetreat = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #unlisten: () => void;

  constructor(first: { readonly target: Target; readonly route: Route }, parts: SupervisorParts) {
    this.#parts = parts;
    this.#serving = first;
    this.#targets = new Map(parts.targets.map((target) => [idOf(target), target]));
    this.#times = new ServiceTimes(parts.latencyBudgetMs);
    this.#targets.set(idOf(first.target), first.target);
    const failed = (parts.passedOver ?? []).map(({ target, failure }) => {
      const id = idOf(target);
      this.#failures.set(id, failure);
      return { id, code: failure.code };
    });
    this.#machine = begin(idOf(first.target), failed, performance.now());
    this.#unlisten = onSeen(() => this.#tick());
    this.#sleep();
  }

  // All that could serve.
  get targets(): readonly Target[] {
    return [...this.#targets.values()];
  }

  get state(): SessionState {
    return this.#machine.state;
  }

  // Of the route that serves, or did last.
  get id(): string {
    return this.#machine.active;
  }

  // The newest route, closed or not, and what it is.
  get serving(): Serving {
    return this.#serving;
  }

  // The route for a run that begins at once; undefined when acquire() must be waited for.
  get ready(): Route | undefined {
    const { route } = this.#serving;
    const serves = this.state === 'serving' || this.state === 'swapping';
    return serves && !route.closed && route !== this.#ending ? route : undefined;
  }

  // Whether the route that serves, or did last, is left for those of another version.
  get retreating(): boolean {
    return isCondemned(this.#machine, this.id);
  }

  // Rejects when no route is left.
  async acquire(): Promise<Route> {
    for (;;) {
      const { ready } = this;
      if (ready) return ready;
      if (this.state === 'serving') this.#handle({ type: 'lost' });
      if (this.state === 'disposed') throw disposed();
      if (this.state === 'exhausted') throw this.#exhausted();
      await this.#moving;
    }
  }

  async run(
    route: Route,
    feeds: readonly Feed[],
    outputs: readonly number[],
  ): Promise<readonly WireTensor[] | undefined> {
    const began = performance.now();
    const hidden = isHidden();
    const running = route.run(feeds, outputs);
    this.#occupy(route, running);
    const results = await running;
    if (results && !this.#answered) {
      this.#answered = true;
      this.#parts.answered?.();
    }
    if (results && route === this.#serving.route && !hidden && !isHidden()) {
      const ms = performance.now() - began;
      this.#parts.observe?.({ target: this.#serving.target, ms });
      const window = this.#times.add(ms);
      if (window && !this.#draining) this.#handle({ type: 'measured', ...window });
    }
    return results;
  }

  profile(route: Route, feeds: readonly Feed[], runs: number): Promise<RunProfile | undefined> {
    const running = route.profile(feeds, runs);
    this.#occupy(route, running);
    return running;
  }

  // A run failed on `route`. Whether another route may do better.
  failed(route: Route, failure: Failure): boolean {
    const [, scope] = ERRORS[failure.code];
    const { target } = this.#serving;
    if (this.state === 'disposed') return false;
    // Before a new route is chosen, so that none of a version that is left for it starts again.
    if (route === this.#serving.route && !isHidden()) this.#parts.observe?.({ target, failure });
    if (scope !== 'route') return false;
    if (route !== this.#serving.route) return true;
    if (target.device === 'webgpu') forgetGpu();
    const { closed } = route;
    // A page in the background may be frozen or short of memory.
    if (isHidden()) return closed;
    this.#failures.set(this.#machine.active, failure);
    this.#handle({ type: 'error', code: failure.code, closed });
    return closed || this.ready === undefined;
  }

  // The route goes on without the GPU, as another target. `lost`: the GPU went away, and may come back.
  leftGpu(route: Route, target: LocalTarget, lost: boolean): void {
    if (route !== this.#serving.route) return;
    this.#times.reset();
    const from = this.id;
    const to = idOf(target);
    this.#serving = { ...this.#serving, target };
    if (!this.#targets.has(to)) this.#targets.set(to, target);
    this.#handle({ type: 'left', to, again: lost && gpuCooling() === undefined });
    const change = { from, to, why: route.placement.why.at(-1) ?? '' };
    this.#parts.emit('degrade', change);
    this.#parts.emit('route', change);
  }

  // Resolves when the old route is gone. Swaps are done one after the other.
  swap(target: Target, options: SwapOptions = {}): Promise<void> {
    const before = this.#swaps;
    const swap = orAborted(before, options.signal).then(() => this.#swapTo(target, options));
    this.#swaps = swap.catch(() => before);
    return swap;
  }

  // Routes that could serve from now on as well, best first and before the others.
  admit(targets: readonly Target[]): void {
    const more = targets.map((target): [string, Target] => [idOf(target), target]);
    this.#targets = new Map([...more, ...this.#targets]);
  }

  // The routes that `leaves` picks are left for the best of the others, and do not start again.
  retreat(leaves: (target: Target) => boolean, why: string): void {
    const { homes, active: to } = this.#machine;
    const from = homes[0]!;
    const ids = [...this.#targets].filter(([, target]) => leaves(target)).map(([id]) => id);
    this.#whyRetreat = why;
    this.#handle({ type: 'condemned', ids });
    if (!ids.includes(to)) this.#parts.emit('rollback', { from, to, why });
  }

  async dispose(): Promise<void> {
    this.#unlisten();
    this.#handle({ type: 'disposed' });
    this.#stop.abort(disposed());
    await this.#moving;
    await this.#draining;
    await this.#serving.route.dispose();
  }

  #occupy(route: Route, running: Promise<unknown>): void {
    const ended = () => undefined;
    this.#busy.set(route, running.then(ended, ended));
  }

  async #swapTo(target: Target, { signal, drainMs = DRAIN_MS }: SwapOptions): Promise<void> {
    do {
      this.#automatic?.abort();
      await orAborted(this.#moving, signal);
    } while (this.state === 'starting' || this.state === 'swapping');
    signal?.throwIfAborted();
    if (this.state === 'disposed') throw disposed();
    if (isCondemned(this.#machine, idOf(target))) {
      throw new Failure('NO_CANDIDATE', `${idOf(target)}: ${this.#whyRetreat}`);
    }
    const { move } = this.#handle({ type: 'asked', to: idOf(target) });
    const swap = this.#beside(move!, target, drainMs, signal);
    this.#moving = swap.catch(() => undefined);
    await swap;
  }

  #handle(happening: Happening): Machine {
    const { machine, begin } = step(this.#machine, this.#rivals, happening, performance.now());
    this.#machine = machine;
    this.#sleep();
    if (begin && begin.reason !== 'asked') this.#moving = this.#perform(begin);
    return machine;
  }

  // A GPU that the page leaves alone is no way out.
  get #rivals(): Rival[] {
    const speeds = this.#parts.speeds();
    const cooling = gpuCooling() !== undefined;
    return [...this.#targets]
      .filter(([id, { device }]) => device !== 'webgpu' || !cooling || id === this.id)
      .map(([, target]) => rivalOf(target, speeds));
  }

  readonly #tick = () => void this.#handle({ type: 'tick', hidden: isHidden() });

  #sleep(): void {
    clearTimeout(this.#timer);
    const at = wakeTime(this.#machine, this.#rivals);
    // The page wakes it when it is seen again.
    if (at === undefined || isHidden()) return;
    const ms = Math.max(at - performance.now(), MIN_SLEEP_MS);
    this.#timer = setTimeout(this.#tick, Math.min(ms, MAX_SLEEP_MS));
    // A Node process does not stay for it.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  #perform(move: Move): Promise<void> {
    const target = this.#targets.get(move.to)!;
    if (move.reason === 'respawn' || move.reason === 'failover') return this.#instead(move, target);
    const automatic = new AbortController();
    this.#automatic = automatic;
    return this.#beside(move, target, DRAIN_MS, automatic.signal).catch(() => undefined);
  }

  // In place of the active route, which is gone or must go.
  async #instead(move: Move, target: Target): Promise<void> {
    const { route: old } = this.#serving;
    old.recall();
    await old.dispose();
    try {
      this.#arrive(move, target, await this.#parts.start(target, this.#stop.signal, false));
    } catch (thrown) {
      const failure = asFailure(thrown);
      this.#failures.set(move.to, failure);
      if (this.state !== 'disposed') this.#parts.observe?.({ target, failure });
      this.#handle({ type: 'failed', code: failure.code });
      // The move that this began is part of this one.
      if (this.state === 'starting') await this.#moving;
    }
  }

  // Beside the active route, which then ends the run under way and goes. Without room for both it goes first.
  async #beside(move: Move, target: Target, drainMs: number, signal?: AbortSignal): Promise<void> {
    const { route: old } = this.#serving;
    const alone = this.#parts.fitsBeside?.(target) === false;
    const aborted = new AbortController();
    const abort = () => aborted.abort(signal?.aborted ? signal.reason : this.#stop.signal.reason);
    signal?.addEventListener('abort', abort);
    this.#stop.signal.addEventListener('abort', abort);
    try {
      if (alone) await this.#makeRoom(old, drainMs, aborted.signal);
      const asked = move.reason === 'asked';
      const route = await this.#parts.start(target, aborted.signal, asked);
      this.#arrive(move, target, route);
    } catch (thrown) {
      if (aborted.signal.aborted) {
        this.#handle({ type: 'cancelled' });
        await this.#replaced();
        throw aborted.signal.reason;
      }
      const failure = asFailure(thrown);
      this.#handle({ type: 'failed', code: failure.code });
      this.#parts.emit('rollback', {
        from: move.to,
        to: this.#machine.active,
        why: failure.message,
        error: failure,
      });
      await this.#replaced();
      throw failure;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#stop.signal.removeEventListener('abort', abort);
    }
    if (alone) return;
    this.#draining = this.#drain(old, drainMs).finally(() => (this.#draining = undefined));
    await this.#draining;
  }

  async #makeRoom(old: Route, drainMs: number, signal: AbortSignal): Promise<void> {
    this.#ending = old;
    try {
      const stop = new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => resolve()),
      );
      await Promise.race([within(drainMs, this.#busy.get(old)), stop]);
      signal.throwIfAborted();
      old.recall();
      this.#handle({ type: 'alone' });
      await old.dispose();
      signal.throwIfAborted();
    } finally {
      this.#ending = undefined;
    }
  }

  // After a move that has failed without room for the old route, which then starts again.
  async #replaced(): Promise<void> {
    if (this.state === 'starting') await this.#moving;
  }

  async #drain(old: Route, drainMs: number): Promise<void> {
    old.recall();
    await within(drainMs, this.#busy.get(old));
    await old.dispose();
  }

  #arrive(move: Move, target: Target, route: Route): void {
    if (this.state === 'disposed') {
      void route.dispose();
      throw disposed();
    }
    const { to, reason } = move;
    const { active: from, homes } = this.#machine;
    const error = this.#failures.get(from);
    const retreats = isCondemned(this.#machine, from) && !isCondemned(this.#machine, to);
    const why = retreats ? this.#whyRetreat : WHY[reason];
    this.#targets.set(to, target);
    this.#serving = { target, route, why, reason };
    this.#times.reset();
    this.#handle({ type: 'moved' });
    const change: RouteChange = { from, to, why };
    const events: Readonly<Record<Move['reason'], RouteEvent>> = {
      respawn: 'recover',
      failover: to === homes[0] ? 'recover' : 'degrade',
      asked: 'swap',
      slow: 'swap',
      undo: 'rollback',
      better: 'recover',
    };
    const failed = reason === 'respawn' || reason === 'failover';
    const event = retreats ? 'rollback' : events[reason];
    this.#parts.emit(event, failed ? { ...change, error } : change);
    this.#parts.emit('route', change);
  }

  #exhausted(): Failure {
    const attempts = [...this.#failures].map(([route, { code, message }]): Attempt => {
      return { route, code, message };
    });
    return exhausted(attempts, [...this.#failures.values()]);
  }
}

const disposed = () => new Failure('SESSION_DISPOSED', 'the session was disposed');

// Resolves when `work` has ended, after `ms` at the latest.
async function within(ms: number, work: Promise<void> | undefined): Promise<void> {
  if (!work) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>(
    (resolve) => (timer = setTimeout(resolve, Math.min(ms, MAX_SLEEP_MS))),
  );
  await Promise.race([work, late]);
  clearTimeout(timer);
}
