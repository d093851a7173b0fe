import { asFailure } from '../worker/failure.js';
import type { LoadProgress, PlainSource } from '../worker/protocol.js';
import { checkFilter } from '../router/check_filter.js';
import { choosePlain, type RouteFilter } from '../router/choose.js';
import { probeFeatures } from '../router/features.js';
import { allowedRemote } from './allowed_remote.js';
import type { Assets } from './assets.js';
import { SardonyxError, toSardonyxError } from './errors.js';
import { Launch } from './launch.js';
import { checkRemote, nameOfFile, openRemote } from './load_remote.js';
import { loadManifest } from './load_manifest.js';
import type { Session } from './session.js';
import { isManifest, type Source, toWireSource } from './source.js';
import type { TelemetryEvent } from './telemetry.js';

export interface LoadOptions {
  /** Ends the load; it rejects with signal.reason. */
  signal?: AbortSignal;
  onProgress?: (progress: LoadProgress) => void;
  /** Takes this route instead of choosing one. */
  force?: RouteFilter;
  /** Routes that match one of these are not taken. */
  exclude?: readonly RouteFilter[];
  /** Runs that may wait beside the one under way; default 64. */
  queueLimit?: number;
  /**
   * When 95 % of the runs do not stay below it, without their wait, a faster variant takes over. Default
   * 300; none when a device is forced.
   */
  latencyBudgetMs?: number;
  /** 'inline' computes on the calling thread, which must be a worker or Node; default 'worker'. */
  execution?: 'worker' | 'inline';
  /** Files with weights, by the name that the model has for them. */
  externalData?: Readonly<Record<string, Source>>;
  /**
   * Weights that the model lists among its inputs, as early exporters do, and that runs may feed: they become
   * inputs with a default. All others are constants.
   */
  fedWeights?: readonly string[];
  /** 'none': the files of a manifest are neither stored nor taken from storage; default 'auto'. */
  storage?: 'auto' | 'none';
  /** A server that may be asked when no route is left here, `true` for the manifest's; default none. */
  remote?: true | RemoteOptions;
  assets?: Assets;
  /**
   * Where the manifest names a candidate version: the stable one serves, and the candidate repeats runs of it beside
   * that; onTelemetry gets the differences. `true`: all runs of the clients in the candidate's bucket; with a share,
   * that part of the runs of every client. Off by default.
   */
  shadow?: boolean | { readonly share: number };
  /** Gets what happens to the session, its errors and its times; off by default. Sends nothing by itself. */
  onTelemetry?: (event: TelemetryEvent) => unknown;
}

/** A server of the Open Inference Protocol v2 with binary tensor data. */
export interface RemoteOptions {
  /** Up to /v2. */
  url: string | URL;
  /** Default: the manifest's name, or the name of the .onnx file. */
  model?: string;
  /** Default: the one that the server takes. */
  version?: string;
  /** Of one request; default 30,000. */
  timeoutMs?: number;
  headers?: Readonly<Record<string, string>>;
}

/**
 * Loads an ONNX model, or the best variant of a manifest, into an engine of its own. Rejects with SardonyxError,
 * or with signal.reason.
 */
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
  const inline = options.execution === 'inline';
  const wire = await toWireSource(source, !inline, 'source');
  try {
    return await openLocal(wire, options);
  } catch (thrown) {
    if (!options.remote || options.signal?.aborted) throw thrown;
    return openRemote(wire, options, asFailure(thrown));
  }
}

async function openLocal(wire: PlainSource, options: LoadOptions): Promise<Session> {
  if (await isManifest(wire)) return loadManifest(wire, options);
  const inline = options.execution === 'inline';
  const external: Record<string, PlainSource> = {};
  for (const [name, data] of Object.entries(options.externalData ?? {})) {
    external[name] = await toWireSource(data, !inline, `externalData.${name}`);
  }
  const features = await probeFeatures();
  const rank = (force: RouteFilter = {}) =>
    choosePlain(features, { force, exclude: options.exclude });
  const targets = rank(options.force);
  const launch = new Launch(
    options,
    features,
    {
      targets,
      rank,
      sourceOf: () => wire,
      selfTest: () => Promise.resolve(),
      remote: allowedRemote(options),
      remoteName: nameOfFile(wire),
    },
    external,
  );
  const target = targets[0]!;
  try {
    const route = await launch.start(target);
    return launch.session(route, target, { why: target.why });
  } catch (thrown) {
    launch.release();
    throw thrown;
  }
}

export function checked(options: LoadOptions): LoadOptions {
  const {
    execution,
    storage,
    queueLimit,
    latencyBudgetMs,
    onTelemetry,
    shadow = false,
  }: { [key in keyof LoadOptions]?: unknown } = options;
  const refuse = (field: string, message: string) => {
    throw new SardonyxError('INVALID_ARGUMENT', message, { field });
  };
  if (execution !== undefined && execution !== 'worker' && execution !== 'inline') {
    refuse('execution', "execution must be 'worker' or 'inline'");
  }
  if (storage !== undefined && storage !== 'auto' && storage !== 'none') {
    refuse('storage', "storage must be 'auto' or 'none'");
  }
  if (execution === 'inline' && typeof document === 'object') {
    refuse('execution', "'inline' would block the page: call it in a worker");
  }
  checkRemote(options.remote);
  checkFilter(options.force ?? {}, 'force');
  options.exclude?.forEach((filter, i) => checkFilter(filter, `exclude[${i}]`));
  if (onTelemetry !== undefined && typeof onTelemetry !== 'function') {
    refuse('onTelemetry', 'onTelemetry must be a function');
  }
  if (shadow !== false && !isShadow(shadow)) {
    refuse('shadow', 'shadow must be true, false or { share } with a number above 0 up to 1');
  }
  if (shadow !== false && onTelemetry === undefined) {
    refuse('shadow', 'shadow needs onTelemetry, which gets its reports');
  }
  if (
    latencyBudgetMs !== undefined &&
    !(typeof latencyBudgetMs === 'number' && latencyBudgetMs > 0)
  ) {
    refuse('latencyBudgetMs', 'latencyBudgetMs must be a number above 0');
  }
  if (queueLimit === undefined) return options;
  const whole = typeof queueLimit === 'number' && Number.isInteger(queueLimit);
  if (!whole || queueLimit < 0) {
    refuse('queueLimit', 'queueLimit must be a whole number from 0');
  }
  return options;
}

function isShadow(shadow: unknown): boolean {
  if (shadow === true) return true;
  const { share } = Object(shadow) as { share?: unknown };
  return typeof share === 'number' && share > 0 && share <= 1;
}
