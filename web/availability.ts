// What load() would try here, and what it would have to download for it.
import type { Variant } from '../manifest/parse.js';
import { asFailure } from '../worker/failure.js';
import type { PlainSource } from '../worker/protocol.js';
import { openStore, type Store } from '../worker/storage/store.js';
import { chooseVersion } from '../router/candidate_version.js';
import { knownBans } from '../router/bans.js';
import { considerCandidates } from '../router/candidates.js';
import { choosePlain, type RouteFilter } from '../router/choose.js';
import { type Features, probeFeatures } from '../router/features.js';
import { probeGpu } from '../router/gpu_probe.js';
import type { OpenManifest } from '../router/manifest_source.js';
import { idOf, REMOTE } from '../router/target.js';
import { wishesFor } from '../router/versions.js';
import { allowedRemote } from './allowed_remote.js';
import { toSardonyxError } from './errors.js';
import { checked, type LoadOptions } from './load.js';
import { canKeep, probeFor, readManifest } from './load_manifest.js';
import { leavesRemote, nameOfFile } from './load_remote.js';
import type { Route } from './session.js';
import { isManifest, type Source, toWireSource } from './source.js';

/** `threads` is what would be asked for. */
export interface PossibleRoute extends Route {
  /** To download before it can run; absent when that is not known. */
  readonly missingBytes?: number;
  /** The whole file is in the storage of this browser. */
  readonly cached: boolean;
}

export interface Availability {
  /** Best first; a server that load() may ask is the last. Empty when nothing may run. */
  readonly ranked: readonly PossibleRoute[];
  readonly rejected: readonly { readonly route: RouteFilter; readonly why: string }[];
}

/**
 * What load() would try with the same arguments. Reads a manifest, downloads no model. Rejects with
 * SardonyxError, or with signal.reason.
 */
export async function availability(
  source: Source,
  options: LoadOptions = {},
): Promise<Availability> {
  const { signal } = options;
  try {
    signal?.throwIfAborted();
    checked(options);
    const wire = await toWireSource(source, false, 'source');
    const found = await ((await isManifest(wire)) ? ofManifest : ofPlain)(wire, options);
    signal?.throwIfAborted();
    return found;
  } catch (thrown) {
    if (signal?.aborted && thrown === signal.reason) throw thrown;
    throw toSardonyxError(thrown);
  }
}

async function ofManifest(source: PlainSource, options: LoadOptions): Promise<Availability> {
  const keep = (await canKeep(source, options)) === true;
  const stable = await readManifest(source, keep, options.signal);
  const { candidate, why: first } = await chooseVersion(stable, options, keep, options.signal);
  const { manifest, stored, url } = candidate?.opened ?? stable;
  const release = { manifest, url, candidate: candidate !== undefined };
  const wishes = wishesFor(release, options);
  const probe = await probeFor([candidate?.opened ?? stable], options, keep);
  const remote = remoteRoute(options, probe.features, manifest.name, stable);
  const { ranked, rejected } = orNothing(
    () => considerCandidates(manifest, probe, wishes, knownBans(probe.gpu)),
    { ranked: [], rejected: [] },
    remote,
  );
  const store = keep ? await openStore() : undefined;
  const before = [
    ...(candidate ? [candidate.why] : first),
    ...(stored ? [`manifest from storage: ${stored}`] : []),
  ];
  const routes = ranked.map(async ({ variant, device, module, threads, why }) => {
    const cached = await isStored(store, variant);
    return {
      id: idOf({ variant, device, module, release }),
      device,
      module,
      threads,
      isolated: probe.features.isolated,
      precision: variant.precision,
      variant: variant.name,
      version: manifest.version,
      why: [...before, ...why],
      missingBytes: cached ? 0 : variant.bytes,
      cached,
    };
  });
  return {
    ranked: [...(await Promise.all(routes)), ...remote],
    rejected: rejected.map(({ variant, device, why }) => ({ route: { variant, device }, why })),
  };
}

// A storage that fails has nothing, as in load().
async function isStored(store: Store | undefined, { sha256, bytes }: Variant): Promise<boolean> {
  const found = await store?.find(sha256, bytes).catch(() => undefined);
  return found !== undefined;
}

// The server that load() asks when nothing serves here; none where it is not allowed or its model has no name.
function remoteRoute(
  options: LoadOptions,
  { isolated }: Features,
  name: string | undefined,
  opened?: OpenManifest,
): PossibleRoute[] {
  const remote = allowedRemote(options, opened);
  if (!remote || (remote.model ?? name) === undefined) return [];
  const { device, threads, why } = REMOTE;
  return [{ id: idOf(REMOTE), device, threads, isolated, why, missingBytes: 0, cached: false }];
}

// As load(): what leaves nothing here is no reason to reject where a server is asked next.
function orNothing<T>(find: () => T, nothing: T, remote: readonly PossibleRoute[]): T {
  try {
    return find();
  } catch (thrown) {
    if (remote.length > 0 && leavesRemote(asFailure(thrown))) return nothing;
    throw thrown;
  }
}

async function ofPlain(source: PlainSource, options: LoadOptions): Promise<Availability> {
  const features: Features = await probeFeatures();
  const remote = remoteRoute(options, features, nameOfFile(source));
  const choices = orNothing(() => choosePlain(features, options), [], remote);
  const forGpu = choices.some(({ device }) => device === 'webgpu');
  const gpu = forGpu ? await probeGpu() : undefined;
  const missing = gpu?.available === false ? gpu.why : undefined;
  const possible = choices.filter(({ device }) => device === 'cpu' || missing === undefined);
  return {
    ranked: [
      ...possible.map((choice) => ({
        id: idOf(choice),
        ...choice,
        isolated: features.isolated,
        ...('url' in source ? {} : { missingBytes: 0 }),
        cached: false,
      })),
      ...remote,
    ],
    rejected: missing === undefined ? [] : [{ route: { device: 'webgpu' }, why: missing }],
  };
}
