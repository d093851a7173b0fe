// The handle of one model of a Router.
import type { Manifest } from '../manifest/parse.js';
import type { SessionState } from '../router/machine.js';
import type { ValueInfo } from '../worker/protocol.js';
import { checkFeeds, checkOutputs, type Feeds } from './feeds.js';
import { SardonyxError, toSardonyxError } from './errors.js';
import type { Profile } from './profile.js';
import type { PlanReport, ProfileOptions, Route, RunOptions, Session } from './session.js';
import type { Tensor } from './tensor.js';
import { copyValue, type Value } from './values.js';

const MAX_TIMER_MS = 0x7fffffff;

export interface RoutedModelParts {
  readonly name: string;
  readonly priority: number;
  readonly first: Session;
  readonly isUnloaded: () => boolean;
  // While the model is loaded.
  readonly session: () => Session | undefined;
  // Calls `work` with the session, which stays until its promise has settled: at once where there is one
  // at hand. Rejects with the reason of a signal that aborts before.
  use<T>(work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T>;
  // Whether use() would call at once.
  readonly isAtHand: () => boolean;
}

/**
 * A model of a Router. It may have been unloaded to make room for others; its next run brings it back. Has the
 * events of its sessions about routes.
 */
export class RoutedModel extends EventTarget {
  readonly name: string;
  readonly priority: number;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly manifest?: Manifest;
  readonly #parts: RoutedModelParts;

  /** Made by Router.load(). */
  constructor(parts: RoutedModelParts) {
    super();
    this.#parts = parts;
    this.name = parts.name;
    this.priority = parts.priority;
    const { inputs, outputs, manifest } = parts.first;
    this.inputs = inputs;
    this.outputs = outputs;
    if (manifest) this.manifest = manifest;
  }

  get state(): SessionState | 'unloaded' {
    if (this.#parts.isUnloaded()) return 'disposed';
    return this.#parts.session()?.state ?? 'unloaded';
  }

  /** What runs the model; undefined while it is unloaded. */
  get route(): Route | undefined {
    return this.#parts.session()?.route;
  }

  /** Bytes of its engine; 0 while it is unloaded. */
  get memoryBytes(): number {
    return this.#parts.session()?.memoryBytes ?? 0;
  }

  /**
   * As Session.run(). While the model has to come back, the run waits for it, with a copy of its feeds. With
   * `transfer` their buffers are then not detached.
   */
  async run<V extends Value = Tensor>(
    feeds: Feeds,
    options: RunOptions = {},
  ): Promise<Record<string, V>> {
    const parts = this.#parts;
    const { signal } = options;
    if (parts.isAtHand()) return parts.use((session) => session.run<V>(feeds, options), signal);
    signal?.throwIfAborted();
    checkFeeds(this.inputs, feeds, false);
    checkOutputs(this.outputs, options.outputs);
    const { timeoutMs } = options;
    const own = copyOf(feeds);
    const began = performance.now();
    const late = new AbortController();
    const abort = () => late.abort(signal?.reason);
    signal?.addEventListener('abort', abort);
    const timer =
      timeoutMs !== undefined && timeoutMs <= MAX_TIMER_MS
        ? setTimeout(() => late.abort(timedOut(timeoutMs)), timeoutMs)
        : undefined;
    try {
      return await parts.use((session) => {
        clearTimeout(timer);
        const left = timeoutMs && Math.max(0, timeoutMs - (performance.now() - began));
        return session.run<V>(own, {
          ...options,
          transfer: true,
          ...(left === undefined ? {} : { timeoutMs: left }),
        });
      }, late.signal);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** As Session.profile(); brings the model back where it has to. */
  async profile(feeds?: Feeds, options?: ProfileOptions): Promise<Profile> {
    return this.#parts.use((session) => session.profile(feeds, options), options?.signal);
  }

  /** As Session.explain(); brings the model back where it has to. */
  async explain(): Promise<PlanReport> {
    try {
      return await this.#parts.use((session) => session.explain());
    } catch (thrown) {
      throw toSardonyxError(thrown);
    }
  }
}

const timedOut = (ms: number) =>
  new SardonyxError('RUN_TIMEOUT', `the run took longer than ${ms} ms`);

const copyOf = (feeds: Feeds): Feeds =>
  Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, copyValue(value)]));
