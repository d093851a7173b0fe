// One version of a model -> a session of the best variant that this machine runs rightly.
import type { Manifest } from '../manifest/parse.js';
import { Failure } from '../worker/failure.js';
import type { FileReport } from '../worker/protocol.js';
import { openStore } from '../worker/storage/store.js';
import { ban, knownBans, liftBan } from '../router/bans.js';
import {
  type Candidate,
  considerCandidates,
  nameOf,
  type Probe,
  rankCandidates,
  type Ranking,
} from '../router/candidates.js';
import { openAsked, type ShadowVersion } from '../router/candidate_version.js';
import type { RouteFilter } from '../router/choose.js';
import { gpuFor } from '../router/gpu_loss.js';
import type { OpenManifest } from '../router/manifest_source.js';
import { dropCandidates, fileOf, keepOffline, removeUnnamed } from '../router/offline.js';
import type { RolloutWatch } from '../router/rollout_watch.js';
import type { Route } from '../router/route.js';
import { remoteVariant, selfTest } from '../router/self_test.js';
import { attemptOf, serve, type Served } from '../router/serve.js';
import { forgetSpeeds } from '../router/speeds.js';
import { idOf, type LocalTarget, type Release, type Target } from '../router/target.js';
import { roleOf, wishesFor } from '../router/versions.js';
import { allowedRemote } from './allowed_remote.js';
import { announce } from './announce.js';
import { resolveAssets } from './assets.js';
import { Launch } from './launch.js';
import type { NamedVersion } from './launch_plan.js';
import type { LoadOptions } from './load.js';
import { shadowPlan } from './load_shadow.js';
import { measure } from './measure.js';
import type { Session } from './session.js';

/** Whether files are kept; a failure when they can not be. */
export type Keep = boolean | Failure;

export interface ReleaseLoad {
  readonly opened: OpenManifest;
  readonly keep: Keep;
  readonly probe: Probe;
  readonly options: LoadOptions;
  // Reasons from before, first.
  readonly why: readonly string[];
  // Of a candidate version: what takes over from it, and what decides that.
  readonly stable?: OpenManifest;
  readonly watch?: RolloutWatch;
  // Of a stable version: the candidate that repeats its runs.
  readonly shadow?: ShadowVersion;
  // Before each start of a variant.
  readonly onStart?: () => void;
}

type OwnTarget = Candidate & { readonly release: Release };

export async function loadRelease(load: ReleaseLoad): Promise<Session> {
  const { opened, keep, options, stable, watch, shadow } = load;
  const { manifest } = opened;
  const release = releaseOf(opened, stable !== undefined);
  const ranking = rankCandidates(...knownOf(load, options.force, release));
  const targets = own(ranking, release);
  const other = stable && releaseOf(stable, false);
  const consider = (force: RouteFilter | undefined, of: Release) =>
    own(considerCandidates(...knownOf(load, force, of)), of);
  const standby = other ? consider(options.force, other) : [];
  const onBan = (candidate: LocalTarget, failure: Failure) => {
    ban({ ...candidate, variant: candidate.variant! }, failure, load.probe.gpu);
    forgetSpeeds();
  };
  const selfTestOf = (
    route: Route,
    { variant, release }: Target,
    onAnswer?: (done: number, total: number) => void,
  ) => {
    // Another server has the stable version.
    const { manifest } = release ?? other ?? opened;
    return selfTest(route, manifest, variant ?? remoteVariant(manifest), onAnswer);
  };
  const launch = new Launch(options, load.probe.features, {
    targets: [...targets, ...standby],
    rank: async (force, of = release) =>
      own(rankCandidates(...knownOf(await probed(load, force, of), force, of)), of),
    consider,
    onBan,
    onGood: (target) => liftBan({ ...target, variant: target.variant! }),
    versionOf: (name, signal) => namedVersion(load, name, signal),
    sourceOf: ({ variant, release }) => ({
      file: fileOf(variant!, release!.url),
      // What load() did not choose is removed by no later version.
      keep: keep === true && (!release!.candidate || (stable ?? shadow) !== undefined),
    }),
    selfTest: selfTestOf,
    remote: allowedRemote(options, stable ?? opened),
    remoteName: manifest.name,
    answered: () => void measure(manifest, options, load.probe.features),
  });
  try {
    const served = await serve(
      targets,
      {
        start: (candidate) => {
          load.onStart?.();
          return launch.start(candidate);
        },
        selfTest: (route, candidate) =>
          selfTestOf(route, candidate, (loaded, total) =>
            launch.report({ phase: 'selftest', loaded, total }),
          ),
        onBan,
      },
      options.signal,
    );
    const { candidate, route, passedOver } = served;
    const why = [
      ...load.why,
      ...fileReasons(opened, route.file),
      ...reasons(manifest, ranking, served),
    ];
    const session = launch.session(route, candidate, {
      why,
      manifest: (other ?? opened).manifest,
      passedOver: passedOver.map(({ candidate, failure }) => ({ target: candidate, failure })),
      ...(watch ? { watch } : {}),
      ...(shadow ? { shadow: shadowPlan(load, shadow, launch, route.model) } : {}),
      ...(keep === false ? {} : { offline: offlineOf(load, ranking, served, standby) }),
    });
    const last = passedOver.at(-1);
    if (last)
      announce(session, 'degrade', { from: idOf(last.candidate), why: last.failure.message });
    return session;
  } catch (thrown) {
    launch.release();
    if (keep === true) await forget(manifest);
    throw thrown;
  }
}

const releaseOf = ({ manifest, url }: OpenManifest, candidate: boolean): Release => ({
  manifest,
  url,
  candidate,
});

// The version that a swap names.
async function namedVersion(
  { opened, stable, keep }: ReleaseLoad,
  name: string,
  signal: AbortSignal | undefined,
): Promise<NamedVersion> {
  const from = stable ?? opened;
  if (roleOf(name, from, 'swap.version') === 'stable') return { release: releaseOf(from, false) };
  const asked = await openAsked(from, stable && opened, keep === true, signal, 'asked for');
  return { release: releaseOf(asked.opened, true), watch: asked.watch };
}

const own = ({ ranked }: Ranking, release: Release): OwnTarget[] =>
  ranked.map((candidate) => ({ ...candidate, release }));

// With the GPU as it is now.
async function probed(
  load: ReleaseLoad,
  force: RouteFilter,
  { manifest }: Release,
): Promise<ReleaseLoad> {
  const gpu = await gpuFor(manifest.variants, force);
  return { ...load, probe: { ...load.probe, gpu } };
}

// What candidates of a version are ranked by.
const knownOf = (
  { probe, options: { exclude } }: ReleaseLoad,
  force: RouteFilter | undefined,
  release: Release,
) =>
  [release.manifest, probe, wishesFor(release, { force, exclude }), knownBans(probe.gpu)] as const;

// What was stored of a model that never served, but for what its next load can resume.
async function forget({ variants }: Manifest): Promise<void> {
  await openStore()
    .then((store) => removeUnnamed(store, variants, true))
    .catch(() => undefined);
}

// Resolves when what serves, and what would serve without the GPU or without a candidate, are stored.
function offlineOf(
  { opened, stable, shadow, keep, options: { assets = {} } }: ReleaseLoad,
  ranking: Ranking,
  { candidate, route, passedOver }: Served,
  standby: readonly OwnTarget[],
): (signal: AbortSignal) => Promise<void> {
  const failed = new Set(passedOver.map(({ candidate }) => nameOf(candidate)));
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
    const { url, text } = opened;
    const candidateOf = stable ? { candidateOf: stable.url } : {};
    await keepOffline({ url, text, wanted: [...wanted], ...candidateOf }, workerUrl, { signal });
    const spare = standby.find(({ device }) => device === 'cpu') ?? standby[0];
    if (stable && spare) {
      const { url, text } = stable;
      await keepOffline({ url, text, wanted: [spare.variant] }, workerUrl, { signal });
    }
    await (stable ? dropCandidates(stable.url, url) : dropCandidates(url, shadow?.url));
  };
}

function fileReasons({ stored }: OpenManifest, file: FileReport | undefined): string[] {
  return [
    ...(stored ? [`manifest from storage: ${stored}`] : []),
    ...(file?.replaced ? [`downloaded again: ${file.replaced}`] : []),
    ...(file?.resumed ? [`resumed after ${file.resumed} bytes`] : []),
    ...(file ? [`file from ${file.from}`] : []),
  ];
}

// Why the better ones were not taken, why this one was.
function reasons(
  { variants }: Manifest,
  { rejected }: Ranking,
  { candidate, passedOver }: Served,
): string[] {
  const forGpu = new Set(
    variants.filter(({ devices }) => devices.includes('webgpu')).map(({ name }) => name),
  );
  const noGpu = rejected.filter(
    ({ variant, device }) =>
      device === 'webgpu' && candidate.device === 'cpu' && forGpu.has(variant),
  );
  const tried = passedOver.map(attemptOf).map(({ route, message }) => `${route}: ${message}`);
  return [...new Set(noGpu.map(({ why }) => `no WebGPU: ${why}`)), ...tried, ...candidate.why];
}
