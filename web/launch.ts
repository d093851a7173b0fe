// What every load needs to start routes: the files of the library, threads, hooks.
import type { ModuleName } from '../worker/abi.js';
import type { Device, LoadProgress, PlainSource, WireSource } from '../worker/protocol.js';
import type { Features } from '../router/features.js';
import { InlineRoute } from '../router/inline_route.js';
import type { Route, RouteHooks } from '../router/route.js';
import { Supervisor } from '../router/supervisor.js';
import { pageThreadBudget } from '../router/thread_budget.js';
import { WorkerRoute } from '../router/worker_route.js';
import { resolveAssets } from './assets.js';
import type { LoadOptions } from './load.js';
import { Session, type SessionParts } from './session.js';

const QUEUE_LIMIT = 64;

export interface Destination {
  readonly device: Device;
  readonly module: ModuleName;
}

export class Launch {
  readonly options: LoadOptions;
  readonly features: Features;
  readonly external: Readonly<Record<string, PlainSource>>;
  readonly #claim: { readonly threads: number; release(): void };
  #session: Session | undefined;

  constructor(
    options: LoadOptions,
    features: Features,
    threads: number,
    external: Readonly<Record<string, PlainSource>> = {},
  ) {
    this.options = options;
    this.features = features;
    this.external = external;
    const forced = options.force?.threads !== undefined;
    this.#claim = pageThreadBudget(features.cores).claim(threads, forced);
  }

  /** The first start of a load; it can be aborted and reports its progress. */
  start(source: WireSource, destination: Destination): Promise<Route> {
    const onProgress = (progress: LoadProgress) => this.report(progress);
    return this.#start(source, destination, onProgress, this.options.signal);
  }

  /** A callback that throws must not end the load. */
  report(progress: LoadProgress): void {
    try {
      this.options.onProgress?.(progress);
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  /** The session of a route that start() gave. */
  session(
    first: Route,
    source: WireSource,
    destination: Destination,
    about: Pick<SessionParts, 'why' | 'served' | 'offline'>,
  ): Session {
    const supervisor = new Supervisor(
      first,
      () => this.#start(source, destination, () => undefined),
      () => session.dispatchEvent(new Event('recover')),
    );
    const session = new Session({
      ...about,
      supervisor,
      module: destination.module,
      isolated: this.features.isolated,
      queueLimit: this.options.queueLimit ?? QUEUE_LIMIT,
      release: () => this.release(),
    });
    this.#session = session;
    return session;
  }

  release(): void {
    this.#claim.release();
  }

  #start(
    source: WireSource,
    { device, module }: Destination,
    onProgress: RouteHooks['onProgress'],
    signal?: AbortSignal,
  ): Promise<Route> {
    const { assets = {}, execution } = this.options;
    const { webgpuUrl, ...files } = resolveAssets(assets, module);
    const setup = {
      ...files,
      gpu: device === 'webgpu' ? webgpuUrl : undefined,
      threads: this.#claim.threads,
      isolated: this.features.isolated,
      source,
      external: this.external,
    };
    const onDegrade = () => this.#session?.dispatchEvent(new Event('degrade'));
    const hooks = { onProgress, onDegrade };
    return execution === 'inline'
      ? InlineRoute.start(setup, hooks, signal)
      : WorkerRoute.start(setup, hooks, signal);
  }
}
