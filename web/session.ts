/// <reference lib="esnext.disposable" preserve="true" />
import type { ModuleName } from '../worker/abi.js';
import type { ModelDescription, Plan, ValueInfo, WireTensor } from '../worker/protocol.js';
import type { Manifest, Precision } from '../manifest/parse.js';
import type { SessionState } from '../router/machine.js';
import type { Supervisor, SwapOptions } from '../router/supervisor.js';
import type { RouteDevice } from '../router/route.js';
import { idOf, type RouteChange, type Target } from '../router/target.js';
import { allocateTensor, fullShape } from './allocation.js';
import { SardonyxError, toSardonyxError } from './errors.js';
import { checkFeeds, checkOutputs, type Feeds } from './feeds.js';
import { Profile } from './profile.js';
import { ProfileJob } from './profile_job.js';
import { RunQueue } from './queue.js';
import { RunJob, type ShadowPort } from './run_job.js';
import type { Swap } from './swap.js';
import type { AnyTensor, Tensor } from './tensor.js';
import { fillTensor, unpackValue, zeroValue, type Value } from './values.js';

export interface RunOptions {
  /** Rejects the run with signal.reason. */
  signal?: AbortSignal;
  /** RUN_TIMEOUT when the result is not there so long after run(). */
  timeoutMs?: number;
  /** Only these outputs; tensors get the results written into their data. */
  outputs?: readonly string[] | Readonly<Record<string, AnyTensor>>;
  /** Detaches the buffers of the feeds instead of copying them. */
  transfer?: boolean;
  /** Higher first among the waiting runs; default 0. */
  priority?: number;
  /** For drawing and camera: replaces waiting runs that have it too (RUN_SUPERSEDED). */
  latest?: boolean;
}

export interface ProfileOptions {
  /** Rejects the profile with signal.reason. */
  signal?: AbortSignal;
  /** Runs to measure, after one that is not; default 10. */
  runs?: number;
}

/** What runs the model. */
export interface Route {
  readonly id: string;
  readonly device: RouteDevice;
  /** Undefined for a remote route. */
  readonly module?: ModuleName;
  /** In use now; rises while threads join. */
  readonly threads: number;
  readonly isolated: boolean;
  /** Of the manifest; undefined for a plain .onnx. */
  readonly precision?: Precision;
  readonly variant?: string;
  readonly version?: string;
  /** The reasons of the choice, and what happened since. */
  readonly why: readonly string[];
}

export interface PlanReport extends Omit<Plan, 'memoryBytes'> {
  readonly model: Omit<ModelDescription, 'inputs' | 'outputs'>;
  readonly device: RouteDevice;
  readonly why: readonly string[];
  readonly module?: ModuleName;
  readonly threads: number;
  readonly isolated: boolean;
  readonly precision?: Precision;
  readonly variant?: string;
  readonly version?: string;
  /** Bytes the engine has in tensors, weights and working memory. */
  readonly memoryBytes: number;
}

export interface SessionParts {
  readonly supervisor: Supervisor;
  readonly isolated: boolean;
  readonly why: readonly string[];
  readonly queueLimit: number;
  // Where no target names its own.
  readonly manifest?: Manifest;
  // Resolves when what is needed without a network is stored. Undefined: nothing is.
  readonly offline?: (signal: AbortSignal) => Promise<void>;
  // What repeats runs that have their answers.
  readonly shadow?: ShadowPort;
  readonly swapTarget: (to: Swap, signal?: AbortSignal) => Promise<Target>;
  release(): Promise<void>;
}

/** Whether the model can be loaded again without a network. */
export type OfflineState = 'off' | 'pending' | 'ready' | 'failed';

const leaks =
  typeof FinalizationRegistry === 'function'
    ? new FinalizationRegistry<string>((name) => {
        // eslint-disable-next-line no-console
        console.warn(`sardonyx: a session (${name}) was collected without dispose()`);
      })
    : undefined;

/** The detail of the events `route`, `degrade`, `recover`, `swap` and `rollback`. */
export interface RouteEventDetail extends Omit<RouteChange, 'error'> {
  readonly error?: SardonyxError;
}

/**
 * A loaded model. Events: `route` after another route or worker took over; before it `swap` when swap()
 * or the latency budget asked for that, `degrade` when a route failed or the CPU took over from the GPU,
 * `recover` when a new worker or the route from before a failure took over, `rollback` when a route that
 * was to take over did not prove good. Their detail is a RouteEventDetail. `offline-ready` and
 * `offline-failed` when `offline` becomes so.
 */
export class Session extends EventTarget {
  /** For `await using`, where the language has it. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly #parts: SessionParts;
  readonly #queue: RunQueue;
  readonly #stop = new AbortController();
  #offline: OfflineState = 'off';
  #offlineProblem: SardonyxError | undefined;
  #disposed: Promise<void> | undefined;

  /** Made by load(). */
  constructor(parts: SessionParts) {
    super();
    this.#parts = parts;
    this.#queue = new RunQueue(parts.queueLimit);
    const { inputs, outputs } = parts.supervisor.serving.route.model;
    this.inputs = inputs;
    this.outputs = outputs;
    if (parts.offline) this.#goOffline(parts.offline);
    leaks?.register(this, inputs.map(({ name }) => name).join(', '), this);
  }

  /** Of the version that serves; undefined for a plain .onnx. */
  get manifest(): Manifest | undefined {
    const { supervisor, manifest } = this.#parts;
    return supervisor.serving.target.release?.manifest ?? manifest;
  }

  get route(): Route {
    const { supervisor, isolated, why: first } = this.#parts;
    const { target, route, why } = supervisor.serving;
    const { threads, placement } = route;
    const { variant, release } = target;
    return {
      id: idOf({ ...target, device: placement.device }),
      device: placement.device,
      ...(target.module ? { module: target.module } : {}),
      threads,
      isolated,
      ...(variant ? { variant: variant.name, precision: variant.precision } : {}),
      ...(release ? { version: release.manifest.version } : {}),
      why: [...(why === undefined ? first : [why, ...target.why]), ...placement.why],
    };
  }

  /** What the session is doing; `swapping` while another route gets ready beside the one that serves. */
  get state(): SessionState {
    return this.#disposed ? 'disposed' : this.#parts.supervisor.state;
  }

  /** Bytes that the engine has in tensors, weights and working memory, as of the last run. */
  get memoryBytes(): number {
    return this.#parts.supervisor.serving.route.memoryBytes;
  }

  /** 'off' for a plain .onnx and without storage; see the events. */
  get offline(): OfflineState {
    return this.#offline;
  }

  /** Why `offline` is 'failed'. The session works all the same. */
  get offlineProblem(): SardonyxError | undefined {
    return this.#offlineProblem;
  }

  /**
   * Feeds are read before this returns, except tensors of allocate(), which must stay unchanged until
   * the promise settles. Results are new tensors in ordinary buffers. One run at a time, in order. Where
   * outputs are sequences or optionals, `run<Value>()` has the type that says so.
   */
  run<V extends Value = Tensor>(
    feeds: Feeds,
    options: RunOptions = {},
  ): Promise<Record<string, V>> {
    return this.#submit(() => {
      const { outputs, transfer = false } = options;
      const checked = checkFeeds(this.inputs, feeds, transfer);
      const wanted = checkOutputs(this.outputs, outputs);
      const { supervisor, shadow } = this.#parts;
      const job = new RunJob(supervisor, checked, wanted, shadow);
      return { job, finish: (results) => this.#results(results, outputs) as Record<string, V> };
    }, options);
  }

  /**
   * Memory for one input that the engine reads in place, so that feeding it costs no copy; an ordinary
   * buffer where there is none at hand. TENSOR_STALE after dispose(), a swap or a change of worker.
   */
  allocate(name: string, shape?: readonly number[]): Tensor {
    try {
      this.#checkOpen();
      const input = this.inputs.findIndex((value) => value.name === name);
      const info = this.inputs[input];
      if (!info) {
        throw new SardonyxError('INPUT_UNKNOWN', `the model has no input ${name}`, {
          tensor: name,
        });
      }
      const { route } = this.#parts.supervisor.serving;
      return allocateTensor(route, info, input, fullShape(info, shape));
    } catch (thrown) {
      throw toSardonyxError(thrown);
    }
  }

  /**
   * Runs once, so that later runs find compiled code and memory. Without feeds on zeros, with 1 for
   * dims that are not known; a model that can not take those is left cold.
   */
  async warmup(feeds?: Feeds): Promise<void> {
    if (feeds) {
      await this.run(feeds);
      return;
    }
    await this.run(this.#zeros()).catch((thrown: unknown) => {
      const { scope } = toSardonyxError(thrown);
      if (scope !== 'model' && scope !== 'caller') throw thrown;
      this.#checkOpen();
    });
  }

  /**
   * Runs some times and tells where the time goes, step by step, in the queue like a run. Without feeds on
   * zeros, as warmup(). INVALID_ARGUMENT on a server.
   */
  async profile(feeds: Feeds = this.#zeros(), options: ProfileOptions = {}): Promise<Profile> {
    const { signal, runs = 10 } = options;
    if (!Number.isInteger(runs) || runs < 1) {
      throw new SardonyxError('INVALID_ARGUMENT', 'runs must be a whole number from 1', {
        field: 'runs',
      });
    }
    signal?.throwIfAborted();
    this.#checkOpen();
    const checked = checkFeeds(this.inputs, feeds, false);
    const job = new ProfileJob(this.#parts.supervisor, checked, runs);
    // Without a profile the queue has rejected already.
    const measured = await this.#queue.submit(job, { signal });
    return new Profile(measured!, this.route);
  }

  /**
   * Starts another route beside the one that serves and moves there when it has loaded and given the known
   * answers: later runs go to it, the one under way ends on the old one. Resolves when the old one and its
   * memory are gone. When the new one fails, the old one stays, and the failure is what this rejects with.
   */
  async swap(to: Swap, options: SwapOptions = {}): Promise<Route> {
    const { signal, drainMs } = options;
    try {
      signal?.throwIfAborted();
      this.#checkOpen();
      if (drainMs !== undefined && !(drainMs >= 0)) {
        throw new SardonyxError('INVALID_ARGUMENT', 'drainMs must be a number from 0', {
          field: 'drainMs',
        });
      }
      const { supervisor, swapTarget } = this.#parts;
      await supervisor.swap(await swapTarget(to, signal), options);
      return this.route;
    } catch (thrown) {
      if (signal?.aborted && thrown === signal.reason) throw thrown;
      throw toSardonyxError(thrown);
    }
  }

  /** What the engine made of the model. Kernels and shapes are known after a run. */
  async explain(): Promise<PlanReport> {
    try {
      this.#checkOpen();
      const route = await this.#parts.supervisor.acquire();
      const plan = await route.explain();
      const { inputs: _inputs, outputs: _outputs, ...model } = route.model;
      const { id: _id, ...served } = this.route;
      return { ...plan, ...served, model };
    } catch (thrown) {
      throw toSardonyxError(thrown);
    }
  }

  /** Rejects what waits with SESSION_DISPOSED and gives the worker and its memory back. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#end();
    return this.#disposed;
  }

  async #end(): Promise<void> {
    leaks?.unregister(this);
    this.#stop.abort();
    this.#queue.close(new SardonyxError('SESSION_DISPOSED', 'the session was disposed'));
    await this.#parts.supervisor.dispose();
    await this.#parts.release();
  }

  // Begins when the caller had the chance to listen.
  #goOffline(keep: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#stop;
    const settle = (state: OfflineState, problem?: unknown) => {
      if (signal.aborted) return;
      this.#offline = state;
      if (problem !== undefined) this.#offlineProblem = toSardonyxError(problem);
      this.dispatchEvent(new Event(`offline-${state}`));
    };
    this.#offline = 'pending';
    setTimeout(() => {
      keep(signal).then(
        () => settle('ready'),
        (thrown: unknown) => settle('failed', thrown),
      );
    });
  }

  #zeros(): Feeds {
    const needed = this.inputs.filter(({ optional }) => !optional);
    return Object.fromEntries(needed.map((info) => [info.name, zeroValue(info)]));
  }

  #checkOpen(): void {
    if (this.#disposed) {
      throw new SardonyxError('SESSION_DISPOSED', 'the session was disposed');
    }
  }

  async #submit<T>(
    prepare: () => { job: RunJob; finish: (results: readonly WireTensor[]) => T },
    options: RunOptions,
  ): Promise<T> {
    const { signal, timeoutMs, priority, latest } = options;
    if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
      throw new SardonyxError('INVALID_ARGUMENT', 'timeoutMs must be a number from 0', {
        field: 'timeoutMs',
      });
    }
    signal?.throwIfAborted();
    this.#checkOpen();
    const { job, finish } = prepare();
    const result = this.#queue.submit(job, {
      signal,
      timeoutMs,
      priority,
      latest,
    });
    job.keepFeeds();
    return finish(await result);
  }

  #results(results: readonly WireTensor[], wanted: RunOptions['outputs']): Record<string, Value> {
    const given =
      wanted && !Array.isArray(wanted) ? (wanted as Record<string, AnyTensor>) : undefined;
    const named: Record<string, Value> = {};
    for (const result of results) {
      const info = this.outputs[result.output]!;
      const target = given?.[info.name];
      const value = unpackValue(info, result);
      named[info.name] = target ? fillTensor(info.name, target, value) : value;
    }
    return named;
  }
}

if (typeof Symbol.asyncDispose === 'symbol') {
  Object.defineProperty(Session.prototype, Symbol.asyncDispose, {
    value(this: Session) {
      return this.dispose();
    },
  });
}
