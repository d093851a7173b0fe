// A manifest -> a session of its stable version, or of the candidate that this client is to run.
import { manifestParser } from '../manifest/parse.js';
import { asFailure, type Failure } from '../worker/failure.js';
import type { LoadProgress, PlainSource } from '../worker/protocol.js';
import { openStore } from '../worker/storage/store.js';
import type { Probe } from '../router/candidates.js';
import { type CandidateVersion, chooseVersion } from '../router/candidate_version.js';
import { isNode, memoryHint, probeFeatures } from '../router/features.js';
import { gpuFor } from '../router/gpu_loss.js';
import { LIMITS } from '../router/limits.js';
import { type OpenManifest, openManifest } from '../router/manifest_source.js';
import * as shelf from '../router/manifest_shelf.js';
import { networkHints } from '../router/network_hints.js';
import { storedOf } from '../router/offline.js';
import { knownSpeeds } from '../router/speeds.js';
import { StallGuard } from '../router/stall_guard.js';
import { announce } from './announce.js';
import { toSardonyxError } from './errors.js';
import type { LoadOptions } from './load.js';
import { type Keep, loadRelease, type ReleaseLoad } from './load_release.js';
import type { Session } from './session.js';
import { resolveUrl } from './source.js';

export async function loadManifest(source: PlainSource, options: LoadOptions): Promise<Session> {
  const { signal } = options;
  const keep = await canKeep(source, options);
  const opened = await readManifest(source, keep === true, signal);
  const choice = await chooseVersion(opened, options, keep === true, signal);
  const { candidate, only, why } = choice;
  const versions = candidate ? [opened, candidate.opened] : [opened];
  const probe = await probeFor(versions, options, keep === true);
  // It is a download that the user does not see.
  const shadow = probe.saveData ? undefined : choice.shadow;
  const stable: ReleaseLoad = { opened, keep, probe, options, why, ...(shadow ? { shadow } : {}) };
  return candidate ? loadCandidate(stable, candidate, only === true) : loadRelease(stable);
}

// The stable version where the candidate does not start, unless the candidate is the `only` one to take.
async function loadCandidate(
  stable: ReleaseLoad,
  { opened, watch, why }: CandidateVersion,
  only: boolean,
): Promise<Session> {
  const { options } = stable;
  const guard = new StallGuard(options.signal, LIMITS.downloadMs);
  const onProgress = (progress: LoadProgress) => {
    if (progress.phase === 'download') guard.arm();
    else guard.disarm();
    options.onProgress?.(progress);
  };
  try {
    return await loadRelease({
      ...stable,
      opened,
      options: { ...options, signal: guard.signal, onProgress },
      why: [why],
      stable: stable.opened,
      watch,
      onStart: () => guard.arm(),
    });
  } catch (thrown) {
    options.signal?.throwIfAborted();
    const failure = asFailure(thrown);
    await watch.refused(failure);
    if (only) throw thrown;
    return await loadInstead(stable, opened, failure);
  } finally {
    guard.end();
  }
}

async function loadInstead(
  stable: ReleaseLoad,
  { manifest }: OpenManifest,
  failure: Failure,
): Promise<Session> {
  const why = `version ${manifest.version} did not start: ${failure.message}`;
  const session = await loadRelease({ ...stable, why: [why] });
  const from = `${manifest.name}@${manifest.version}`;
  announce(session, 'rollback', { from, why, error: toSardonyxError(failure) });
  return session;
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
  const parse = await manifestParser();
  return { url, text, manifest: parse(text, url) };
}

export async function probeFor(
  versions: readonly OpenManifest[],
  options: LoadOptions,
  keep: boolean,
): Promise<Probe> {
  const features = await probeFeatures();
  const variants = versions.flatMap(({ manifest }) => manifest.variants);
  const saveData = networkHints()?.saveData;
  return {
    features,
    gpu: await gpuFor(variants, options.force),
    memoryBytes: memoryHint(),
    speeds: knownSpeeds(features.cores),
    saveData,
    stored: saveData && keep ? await storedOf(variants) : undefined,
  };
}
