import type { LoadProgress, WireSource } from '../worker/protocol.js';
import { choose, type RouteFilter } from '../router/choose.js';
import { probeFeatures } from '../router/features.js';
import { InlineRoute } from '../router/inline_route.js';
import type { Route, RouteHooks, RouteSetup } from '../router/route.js';
import { Supervisor } from '../router/supervisor.js';
import { pageThreadBudget } from '../router/thread_budget.js';
import { WorkerRoute } from '../router/worker_route.js';
import { type Assets, resolveAssets } from './assets.js';
import { SardonyxError, toSardonyxError } from './errors.js';
import { Session } from './session.js';
import { type Source, toWireSource } from './source.js';

export interface LoadOptions {
  /** Ends the load; it rejects with signal.reason. */
  signal?: AbortSignal;
  onProgress?: (progress: LoadProgress) => void;
  /** Takes this route instead of choosing one. */
  force?: RouteFilter;
  /** Runs that may wait beside the one under way; default 64. */
  queueLimit?: number;
  /** 'inline' computes on the calling thread, which must be a worker or Node; default 'worker'. */
  execution?: 'worker' | 'inline';
  /** Files with weights, by the name that the model has for them. */
  externalData?: Readonly<Record<string, Source>>;
  assets?: Assets;
}

const QUEUE_LIMIT = 64;

/** Loads an ONNX model into an engine of its own. Rejects with SardonyxError, or with signal.reason. */
export async function load(source: Source, options: LoadOptions = {}): Promise<Session> {
  const { signal } = options;
  try {
    signal?.throwIfAborted();
    return await open(source, checked(options));
  } catch (thrown) {
    if (signal?.aborted && thrown === signal.reason) throw thrown;
    throw toSardonyxError(thrown);
  }
}

async function open(source: Source, options: LoadOptions): Promise<Session> {
  const { signal, onProgress, force, queueLimit = QUEUE_LIMIT, execution, assets = {} } = options;
  const inline = execution === 'inline';
  const wire = await toWireSource(source, !inline, 'source');
  const external: Record<string, WireSource> = {};
  for (const [name, data] of Object.entries(options.externalData ?? {})) {
    external[name] = await toWireSource(data, !inline, `externalData.${name}`);
  }
  const features = await probeFeatures();
  const { device, module, threads, why } = choose(features, force);
  const { isolated } = features;
  const claim = pageThreadBudget(features.cores).claim(threads, force?.threads !== undefined);
  const { webgpuUrl, ...files } = resolveAssets(assets, module);
  const setup: RouteSetup = {
    ...files,
    gpu: device === 'webgpu' ? webgpuUrl : undefined,
    threads: claim.threads,
    isolated,
    source: wire,
    external,
  };
  try {
    const onDegrade = () => session.dispatchEvent(new Event('degrade'));
    const hooks = { onProgress: reporter(onProgress), onDegrade };
    const first = await start(inline, setup, hooks, signal);
    const supervisor = new Supervisor(
      first,
      () => start(inline, setup, { onProgress: () => undefined, onDegrade }),
      () => session.dispatchEvent(new Event('recover')),
    );
    const session = new Session({
      supervisor,
      module,
      isolated,
      why,
      queueLimit,
      release: () => claim.release(),
    });
    return session;
  } catch (thrown) {
    claim.release();
    throw thrown;
  }
}

function start(
  inline: boolean,
  setup: RouteSetup,
  hooks: RouteHooks,
  signal?: AbortSignal,
): Promise<Route> {
  return inline ? InlineRoute.start(setup, hooks, signal) : WorkerRoute.start(setup, hooks, signal);
}

function checked(options: LoadOptions): LoadOptions {
  const { execution, queueLimit }: { execution?: unknown; queueLimit?: unknown } = options;
  const refuse = (field: string, message: string) => {
    throw new SardonyxError('INVALID_ARGUMENT', message, { field });
  };
  if (execution !== undefined && execution !== 'worker' && execution !== 'inline') {
    refuse('execution', "execution must be 'worker' or 'inline'");
  }
  if (execution === 'inline' && typeof document === 'object') {
    refuse('execution', "'inline' would block the page: call it in a worker");
  }
  if (queueLimit === undefined) return options;
  const whole = typeof queueLimit === 'number' && Number.isInteger(queueLimit);
  if (!whole || queueLimit < 0) {
    refuse('queueLimit', 'queueLimit must be a whole number from 0');
  }
  return options;
}

// A callback that throws must not end the load.
function reporter(onProgress: LoadOptions['onProgress']): RouteHooks['onProgress'] {
  return (progress) => {
    try {
      onProgress?.(progress);
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  };
}
