// A route whose engine lives in a worker of its own.
import { Failure } from '../worker/failure.js';
import { Lane } from '../worker/lane.js';
import {
  ON_CPU,
  PROTOCOL_VERSION,
  type FileReport,
  type FromWorker,
  type ModelDescription,
  type Plan,
  type RunProfile,
  type Slot,
  type ToWorker,
  type WireTensor,
} from '../worker/protocol.js';
import { compile } from './compile.js';
import { cores } from './features.js';
import { type Fetched, fetchFor } from './hand_on.js';
import { LIMITS, type Limits } from './limits.js';
import type { Feed, Route, RouteHooks, RouteSetup } from './route.js';
import { SlotPool } from './slots.js';
import { Spin } from './spin.js';
import { posted, stage } from './stage.js';
import { Watchdog } from './watchdog.js';
import { spawn as spawnWorker, type Spawn, type WorkerPort } from './worker_port.js';

interface Pending<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
}

interface CurrentRun extends Pending<unknown> {
  readonly id: number;
  readonly slots: readonly Slot[];
  cancelled: boolean;
  grace?: ReturnType<typeof setTimeout>;
}

const isHttp = (url: string) => /^https?:/.test(url);

export class WorkerRoute implements Route {
  model!: ModelDescription;
  file: FileReport | undefined;
  threads = 1;
  placement = ON_CPU;
  memoryBytes = 0;
  closed = false;

  readonly #setup: RouteSetup;
  readonly #hooks: RouteHooks;
  readonly #limits: Limits;
  readonly #watchdog = new Watchdog();
  readonly #lane: Lane | null;
  readonly #spin = new Spin(cores());
  readonly #slots: SlotPool;
  readonly #explains = new Map<number, Pending<Plan>>();
  readonly #began = performance.now();
  #port: WorkerPort | undefined;
  #fetched: Fetched | undefined;
  #loading: Pending<void> | undefined;
  #run: CurrentRun | undefined;
  // Of the last run.
  #fed: readonly Slot[] = [];
  // Of a run without results: it may be repeated from them.
  #kept: readonly Slot[] = [];
  #stopped: (() => void) | undefined;
  #heard = false;
  #moduleSent = false;
  #loadMs = 0;
  #nextId = 1;

  private constructor(setup: RouteSetup, hooks: RouteHooks, limits: Limits) {
    this.#setup = setup;
    this.#hooks = hooks;
    this.#limits = limits;
    this.#lane = setup.isolated ? new Lane() : null;
    this.#slots = new SlotPool({
      request: (input, bytes) => this.#post({ type: 'reserve', input, bytes }),
      release: ({ pointer }) => this.#post({ type: 'free', pointer }),
    });
  }

  // Rejects with signal.reason when aborted; the worker is then gone.
  static async start(
    setup: RouteSetup,
    hooks: RouteHooks,
    signal?: AbortSignal,
    { spawn = spawnWorker, limits = LIMITS }: { spawn?: Spawn; limits?: Limits } = {},
  ): Promise<WorkerRoute> {
    signal?.throwIfAborted();
    const route = new WorkerRoute(setup, hooks, limits);
    const loaded = new Promise<void>((resolve, reject) => (route.#loading = { resolve, reject }));
    const abort = () => route.#close(signal?.reason);
    signal?.addEventListener('abort', abort);
    try {
      route.#begin(spawn).catch((thrown: unknown) => route.#close(thrown));
      await loaded;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    return route;
  }

  run(
    feeds: readonly Feed[],
    outputs: readonly number[],
  ): Promise<readonly WireTensor[] | undefined> {
    const id = this.#nextId++;
    const { wire, slots } = this.#stage(feeds);
    const waitMs = this.#lane?.isAwake ? this.#spin.allowance(this.threads) : 0;
    const given = this.#lane?.give({ id, feeds: wire, outputs }, waitMs > 0);
    if (given && waitMs > 0) {
      const results = this.#await(waitMs);
      if (results) {
        this.#giveBack(slots);
        return Promise.resolve(results);
      }
    }
    if (given) return this.#answer(id, slots);
    const { sent, transfer } = posted(feeds, wire);
    return this.#answer(id, slots, { type: 'run', id, feeds: sent, outputs }, transfer);
  }

  fed(input: number): Uint8Array | undefined {
    return this.#fed.find((slot) => slot.input === input)?.view;
  }

  profile(feeds: readonly Feed[], runs: number): Promise<RunProfile | undefined> {
    const id = this.#nextId++;
    const { wire, slots } = this.#stage(feeds);
    const { sent, transfer } = posted(feeds, wire);
    return this.#answer(id, slots, { type: 'profile', id, feeds: sent, runs }, transfer);
  }

  cancel(): void {
    const run = this.#run;
    if (!run || run.cancelled) return;
    run.cancelled = true;
    this.#lane?.cancel(run.id);
    this.#post({ type: 'cancel', id: run.id });
    const grace = Math.max(this.#limits.graceMs, this.#loadMs);
    run.grace = setTimeout(() => {
      this.#close(new Failure('ENGINE_HUNG', 'the worker did not stop a cancelled run'));
    }, grace);
  }

  explain(): Promise<Plan> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#explains.set(id, { resolve, reject });
      this.#holdProcess();
      this.#post({ type: 'explain', id });
    });
  }

  lend(input: number, bytes: number, onClose: () => void): Slot | undefined {
    return this.#lane ? this.#slots.take(input, bytes, onClose) : undefined;
  }

  takeBack(slot: Slot): void {
    this.#slots.give(slot);
  }

  recall(): void {
    this.#slots.close();
  }

  async dispose(): Promise<void> {
    if (this.closed) return;
    this.#lane?.cancel(0x7fffffff);
    await new Promise<void>((resolve) => {
      this.#stopped = resolve;
      setTimeout(resolve, this.#limits.stopMs);
      this.#post({ type: 'stop' });
    });
    this.#close(new Failure('SESSION_DISPOSED', 'the session was disposed'));
  }

  async #begin(spawn: Spawn): Promise<void> {
    const { workerUrl, wasm, source, external, fedWeights, threads, gpu } = this.#setup;
    // The download begins while the worker starts and the module is compiled.
    const fetched = 'url' in source && isHttp(source.url) ? fetchFor(source.url) : undefined;
    this.#fetched = fetched;
    const compiling = typeof wasm === 'string' ? compile(wasm) : Promise.resolve(wasm);
    compiling.catch(() => undefined);
    this.#watchdog.watch(this.#limits.scriptMs, () => this.#startFailed('did not start in time'));
    const port = await spawn(workerUrl, {
      message: (message) => this.#receive(message),
      error: (message) => this.#uncaught(message),
    });
    this.#port = port;
    if (this.closed) {
      port.terminate();
      return;
    }
    const fed = fetched && 'url' in source ? { url: source.url, fed: true as const } : source;
    this.#post({ type: 'load', source: fed, extras: { external, fedWeights }, gpu });
    void fetched?.to((part, transfer) => this.#post({ type: 'part', part }, transfer));
    const module = await compiling;
    this.#post({ type: 'start', module, threads, lane: this.#lane?.buffer ?? null });
    if (this.#heard) this.#watchStart();
    this.#moduleSent = true;
  }

  #stage(feeds: readonly Feed[]) {
    const staged = stage(feeds, this.#lane ? this.#slots : undefined);
    this.#giveBack(this.#kept);
    this.#kept = [];
    this.#fed = staged.slots;
    return staged;
  }

  // What the worker answers to the run of that id, which it has in the lane or gets by this message. Undefined when
  // cancelled. `T` is what the answer has.
  #answer<T>(
    id: number,
    slots: readonly Slot[],
    message?: ToWorker,
    transfer?: Transferable[],
  ): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const settle = (value: unknown) => resolve(value as T | undefined);
      this.#run = { id, slots, cancelled: false, resolve: settle, reject };
      this.#watch(this.#limits.runMs, 'made no progress with a run');
      this.#holdProcess();
      if (message) this.#post(message, transfer);
    });
  }

  #watchStart(): void {
    this.#watchdog.watch(this.#limits.startMs, () =>
      this.#startFailed('did not get ready in time'),
    );
  }

  #receive(message: FromWorker): void {
    if (this.closed) return;
    this.#watchdog.heard();
    switch (message.type) {
      case 'hello':
        return this.#greeted(message.version);
      case 'ready':
        return this.#watchdog.stop();
      case 'progress':
        if (message.progress.phase === 'compile') {
          this.#watch(this.#limits.compileMs, 'made no progress with compiling the model');
        }
        return this.#hooks.onProgress(message.progress);
      case 'loaded':
        this.file = message.file;
        return this.#loaded(message.model);
      case 'threads':
        this.threads = message.count;
        return;
      case 'placement':
        this.placement = message.placement;
        if (!this.#loading) this.#hooks.onDegrade?.(message.placement);
        return;
      case 'memory':
        this.memoryBytes = message.bytes;
        return;
      case 'slot':
        return this.#slots.add(message.slot);
      case 'alive':
      case 'kept':
        return;
      case 'done':
        this.#spin.took(message);
        return this.#settle(message.id, (run) => run.resolve(message.outputs));
      case 'profiled':
        return this.#settle(message.id, (run) => run.resolve(message.profile));
      case 'cancelled':
        return this.#settle(message.id, (run) => run.resolve(undefined), true);
      case 'failed':
        this.#explained(message.id, (call) => call.reject(Failure.from(message.failure)));
        return this.#settle(message.id, (run) => run.reject(Failure.from(message.failure)), true);
      case 'explained':
        return this.#explained(message.id, (call) => call.resolve(message.plan));
      case 'dead':
        return this.#close(Failure.from(message.failure));
      case 'stopped':
        return this.#stopped?.();
    }
  }

  #greeted(version: number): void {
    if (version !== PROTOCOL_VERSION) {
      return this.#startFailed(`speaks protocol ${version}, wanted is ${PROTOCOL_VERSION}`);
    }
    this.#heard = true;
    if (this.#moduleSent) this.#watchStart();
    else this.#watchdog.stop();
  }

  #loaded(model: ModelDescription): void {
    this.model = model;
    this.#loadMs = performance.now() - this.#began;
    this.#watchdog.stop();
    this.#loading?.resolve();
    this.#loading = undefined;
    this.#holdProcess();
  }

  #explained(id: number, how: (call: Pending<Plan>) => void): void {
    const call = this.#explains.get(id);
    this.#explains.delete(id);
    this.#holdProcess();
    if (call) how(call);
  }

  #settle(id: number, how: (run: CurrentRun) => void, again = false): void {
    const run = this.#run;
    if (run?.id !== id) return;
    this.#endRun(run, again);
    how(run);
  }

  #endRun(run: CurrentRun, again: boolean): void {
    this.#run = undefined;
    clearTimeout(run.grace);
    this.#watchdog.stop();
    if (again) this.#kept = run.slots;
    else this.#giveBack(run.slots);
    this.#holdProcess();
  }

  // The answer to a run in the lane; undefined when it comes by message.
  #await(ms: number): readonly WireTensor[] | undefined {
    const answer = this.#lane!.await(ms);
    this.#spin.ended(answer !== undefined);
    if (!answer) return undefined;
    this.memoryBytes = answer.memoryBytes;
    this.#spin.took(answer);
    return answer.outputs;
  }

  #giveBack(slots: readonly Slot[]): void {
    for (const slot of slots) this.#slots.give(slot);
  }

  // A Node process stays while something waits for the worker.
  #holdProcess(): void {
    this.#port?.hold(Boolean(this.#loading ?? this.#run) || this.#explains.size > 0);
  }

  #watch(ms: number, what: string): void {
    this.#watchdog.watch(ms, () =>
      this.#close(new Failure('ENGINE_HUNG', `the engine ${what} for ${ms / 1000} s`)),
    );
  }

  #startFailed(what: string): void {
    const url = this.#setup.workerUrl;
    this.#close(new Failure('ENGINE_START', `the worker ${url} ${what}`, { url }));
  }

  #uncaught(message: string): void {
    if (!this.#heard) return this.#startFailed(`did not start: ${message}`);
    this.#close(new Failure('ENGINE_TRAP', `the engine stopped: ${message}`));
  }

  #post(message: ToWorker, transfer?: readonly Transferable[]): void {
    if (!this.#port || this.closed) return;
    this.#port.post(message, transfer);
    this.#lane?.mail();
  }

  // Ends the worker. Everything that waits for it is settled with `reason`.
  #close(reason: unknown): void {
    if (this.closed) return;
    this.closed = true;
    this.#watchdog.stop();
    this.#port?.terminate();
    this.#fetched?.stop();
    this.#slots.close();
    this.#loading?.reject(reason);
    const run = this.#run;
    if (run) {
      this.#endRun(run, true);
      if (run.cancelled) run.resolve(undefined);
      else run.reject(reason);
    }
    for (const call of this.#explains.values()) call.reject(reason);
    this.#explains.clear();
    this.#stopped?.();
  }
}
