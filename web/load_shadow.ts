// The candidate version as the shadow of a session that serves the stable one.
import { Failure } from '../worker/failure.js';
import type { ModelDescription } from '../worker/protocol.js';
import { ban, knownBans } from '../router/bans.js';
import { type Candidate, rankCandidates } from '../router/candidates.js';
import type { ShadowVersion } from '../router/candidate_version.js';
import { keepOffline } from '../router/offline.js';
import { selfTest } from '../router/self_test.js';
import { serve, type StartHooks } from '../router/serve.js';
import type { ShadowRoute } from '../router/shadow.js';
import type { Release } from '../router/target.js';
import { pageThreadBudget } from '../router/thread_budget.js';
import { wishesFor } from '../router/versions.js';
import { resolveAssets } from './assets.js';
import { checkSame, type Launch } from './launch.js';
import { probeFor } from './load_manifest.js';
import type { ReleaseLoad } from './load_release.js';
import type { ShadowPlan } from './version_watch.js';

// `model` is the one that serves.
export const shadowPlan = (
  load: ReleaseLoad,
  { share, watch, open }: ShadowVersion,
  launch: Launch,
  model: ModelDescription,
): ShadowPlan => ({
  share,
  watch,
  start: async (signal) => {
    const { options, keep, opened: stable } = load;
    const opened = await open(signal);
    const { url, text, manifest } = opened;
    const release: Release = { manifest, url, candidate: true };
    const probe = await probeFor([opened], options, keep === true);
    const { ranked } = rankCandidates(
      manifest,
      probe,
      wishesFor(release, options),
      knownBans(probe.gpu),
    );
    const targets = ranked
      .map((candidate) => ({ ...candidate, release }))
      .filter((target) => launch.hasRoomFor(target));
    if (targets.length === 0) {
      const message = `version ${manifest.version}: no memory for it beside the version that serves`;
      throw new Failure('NO_CANDIDATE', message);
    }
    const hooks = (threads: number): StartHooks<(typeof targets)[number]> => ({
      start: (target) => launch.startBeside(target, threads, signal),
      selfTest: async (route, { variant }) => {
        checkSame(model, route.model, `version ${manifest.version}`);
        await selfTest(route, manifest, variant);
      },
      onBan: (target, failure) => ban(target, failure, probe.gpu),
    });
    const served = await startBeside(targets, launch.features.cores, hooks, signal);
    if (keep === true) {
      const { workerUrl } = resolveAssets(options.assets ?? {}, served.target.module);
      const wanted = [served.target.variant!];
      // So that the next visit finds it, and removes it when the rollout is over.
      keepOffline({ url, text, wanted, candidateOf: stable.url }, workerUrl, { signal }).catch(
        () => undefined,
      );
    }
    return served;
  },
});

// With the threads that the sessions of the page leave, one at least.
async function startBeside<T extends Candidate>(
  targets: readonly T[],
  cores: number,
  hooks: (threads: number) => StartHooks<T>,
  signal: AbortSignal,
): Promise<ShadowRoute> {
  const claim = pageThreadBudget(cores).claim(targets[0]!.threads, false);
  try {
    const { candidate, route } = await serve(targets, hooks(claim.threads), signal);
    return { target: candidate, route, release: () => claim.release() };
  } catch (thrown) {
    claim.release();
    throw thrown;
  }
}
