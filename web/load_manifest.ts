// A manifest -> the session of the best variant that this machine runs rightly.
import { parseManifest, type Manifest } from '../manifest/parse.js';
import { asFailure, Failure } from '../worker/failure.js';
import type { FileReport, PlainSource } from '../worker/protocol.js';
import { openStore } from '../worker/storage/store.js';
import { banKey, nameOf, rankCandidates, type Ranking } from '../router/candidates.js';
import { isNode, probeFeatures } from '../router/features.js';
import { type GpuProbe, probeGpu } from '../router/gpu_probe.js';
import { type OpenManifest, openManifest } from '../router/manifest_source.js';
import * as shelf from '../router/manifest_shelf.js';
import { fileOf, keepOffline, removeUnnamed } from '../router/offline.js';
import { remoteVariant, selfTest } from '../router/self_test.js';
import type { RouteFilter } from '../router/choose.js';
import type { Route } from '../router/route.js';
import type { Target } from '../router/target.js';
import { serve, type Served } from '../router/serve.js';
import { resolveAssets } from './assets.js';
import { Launch } from './launch.js';
import type { LoadOptions } from './load.js';
import type { Session } from './session.js';
import { resolveUrl } from './source.js';

/** What failed on this page comes last on it from then on. */
export const bans = new Map<string, string>();

/** Whether files are kept; a failure when they can not be. */
type Keep = boolean | Failure;

export async function loadManifest(source: PlainSource, options: LoadOptions): Promise<Session> {
  const { signal } = options;
  const keep = await canKeep(source, options);
  const opened = await readManifest(source, keep === true, signal);
  const { manifest, url } = opened;
  const features = await probeFeatures();
  const gpu = await probeFor(manifest, options);
  const rank = (force: RouteFilter | undefined) =>
    rankCandidates(manifest, { features, gpu }, { ...options, force }, bans);
  const ranking = rank(options.force);
  const selfTestOf = (
    route: Route,
    target: Target,
    onAnswer?: (done: number, total: number) => void,
  ) => selfTest(route, manifest, target.variant ?? remoteVariant(manifest), onAnswer);
  const launch = new Launch(options, features, {
    targets: ranking.ranked,
    rank: (force) => rank(force).ranked,
    sourceOf: ({ variant }) => ({ file: fileOf(variant!, url), keep: keep === true }),
    selfTest: selfTestOf,
    remoteName: manifest.name,
  });
  try {
    const served = await serve(
      ranking.ranked,
      {
        start: (candidate) => launch.start(candidate),
        selfTest: (route, candidate) =>
          selfTestOf(route, candidate, (loaded, total) =>
            launch.report({ phase: 'selftest', loaded, total }),
          ),
        onBan: ({ variant, device, module }, reason) =>
          bans.set(banKey(variant, device, module), reason),
      },
      signal,
    );
    const { candidate, route } = served;
    const session = launch.session(route, candidate, {
      why: [...fileReasons(opened, route.file), ...reasons(manifest, ranking, served)],
      manifest,
      ...(keep === false ? {} : { offline: offlineOf(keep, opened, ranking, served, options) }),
    });
    // After the caller had the chance to listen.
    const failed = served.attempts.at(-1);
    if (failed) {
      const detail = { from: failed.route, to: session.route.id, why: failed.message };
      setTimeout(() => session.dispatchEvent(new CustomEvent('degrade', { detail })));
    }
    return session;
  } catch (thrown) {
    launch.release();
    if (keep === true) await forget(manifest);
    throw thrown;
  }
}

// What was stored of a model that never served.
async function forget({ variants }: Manifest): Promise<void> {
  await openStore()
    .then((store) => removeUnnamed(store, variants))
    .catch(() => undefined);
}

// A manifest without a URL can not be found again.
export async function canKeep(
  source: PlainSource,
  { storage = 'auto' }: LoadOptions,
): Promise<Keep> {
  if (storage === 'none' || isNode || !('url' in source)) return false;
  return openStore().then(() => true, asFailure);
}

export async function readManifest(
  source: PlainSource,
  keep: boolean,
  signal: AbortSignal | undefined,
): Promise<OpenManifest> {
  if ('url' in source) {
    const copy = keep ? await shelf.find(source.url).catch(() => undefined) : undefined;
    return openManifest(source.url, copy, signal);
  }
  const url = resolveUrl('.', 'source');
  const text =
    'blob' in source ? await source.blob.text() : new TextDecoder().decode(source.bytes.slice());
  return { url, text, manifest: parseManifest(text, url) };
}

// Asking for an adapter starts the GPU process: only where an answer matters.
export function probeFor(manifest: Manifest, { force }: LoadOptions): Promise<GpuProbe> | GpuProbe {
  if (force?.device === 'cpu') return { available: false, why: 'the CPU is forced' };
  if (manifest.variants.some(({ devices }) => devices.includes('webgpu'))) return probeGpu();
  return { available: false, why: 'no variant is for WebGPU' };
}

// Resolves when what serves, and what would serve without the GPU, are stored.
function offlineOf(
  keep: true | Failure,
  { url, text }: OpenManifest,
  ranking: Ranking,
  { candidate, route, attempts }: Served,
  { assets = {} }: LoadOptions,
): (signal: AbortSignal) => Promise<void> {
  const failed = new Set(attempts.map(({ route }) => route));
  const fallback = ranking.ranked.find(
    (other) => other.device === 'cpu' && !failed.has(nameOf(other)),
  );
  const wanted = new Set([candidate.variant, ...(fallback ? [fallback.variant] : [])]);
  const { workerUrl } = resolveAssets(assets, candidate.module);
  return async (signal) => {
    if (keep instanceof Failure) throw keep;
    const problem = route.file?.problem;
    // Any other may have passed: another tab was writing the file.
    if (problem && problem.code !== 'STORAGE_FAILED') throw Failure.from(problem);
    await keepOffline({ url, text, wanted: [...wanted] }, workerUrl, { signal });
  };
}

function fileReasons({ stored }: OpenManifest, file: FileReport | undefined): string[] {
  return [
    ...(stored ? [`manifest from storage: ${stored}`] : []),
    ...(file?.replaced ? [`downloaded again: ${file.replaced}`] : []),
    ...(file ? [`file from ${file.from}`] : []),
  ];
}

// Why the better ones were not taken, why this one was.
function reasons(
  { variants }: Manifest,
  { rejected }: Ranking,
  { candidate, attempts }: Served,
): string[] {
  const forGpu = new Set(
    variants.filter(({ devices }) => devices.includes('webgpu')).map(({ name }) => name),
  );
  const noGpu = rejected.filter(
    ({ variant, device }) =>
      device === 'webgpu' && candidate.device === 'cpu' && forGpu.has(variant),
  );
  const tried = attempts.map(({ route, message }) => `${route}: ${message}`);
  return [...new Set(noGpu.map(({ why }) => `no WebGPU: ${why}`)), ...tried, ...candidate.why];
}
