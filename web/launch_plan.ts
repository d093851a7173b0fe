// What a launch is told of its model.
import type { Failure } from '../worker/failure.js';
import type { WireSource } from '../worker/protocol.js';
import type { RouteFilter } from '../router/choose.js';
import type { RolloutWatch } from '../router/rollout_watch.js';
import type { Route } from '../router/route.js';
import type { SupervisorParts } from '../router/supervisor.js';
import type { LocalTarget, Release, Target } from '../router/target.js';
import type { RemoteOptions } from './load.js';
import type { SessionParts } from './session.js';
import type { ShadowPlan } from './version_watch.js';

// A version that a swap goes to, and what watches it when that is the candidate.
export interface NamedVersion {
  readonly release: Release;
  readonly watch?: RolloutWatch;
}

// Of one model.
export interface LaunchPlan {
  // All that could serve, best first.
  readonly targets: readonly Target[];
  readonly sourceOf: (target: LocalTarget) => WireSource;
  readonly selfTest: (route: Route, target: Target) => Promise<void>;
  // The best first for another wish; see choosePlain() and rankCandidates().
  readonly rank: (
    force: RouteFilter,
    release?: Release,
  ) => Promise<readonly LocalTarget[]> | readonly LocalTarget[];
  // All of another version that could serve, best first, by what the load knew; there may be none.
  readonly consider?: (force: RouteFilter, release: Release) => readonly LocalTarget[];
  // A route could not have its device, or computed wrongly; and one that did not.
  readonly onBan?: (target: LocalTarget, failure: Failure) => void;
  readonly onGood?: (target: LocalTarget) => void;
  // The version that a swap names; undefined for a plain .onnx.
  readonly versionOf?: (name: string, signal?: AbortSignal) => Promise<NamedVersion>;
  // What the model is called on a server that may be asked when no other route is left.
  readonly remoteName?: string | undefined;
  readonly remote?: RemoteOptions | undefined;
  // After the first run of the caller.
  readonly answered?: () => void;
}

export interface SessionStart extends Pick<SessionParts, 'why' | 'manifest' | 'offline'> {
  readonly watch?: RolloutWatch;
  readonly shadow?: ShadowPlan;
  readonly passedOver?: SupervisorParts['passedOver'];
}
