// Which version of a manifest this client is to run, and what watches it when that is the candidate.
import type { Manifest, Rollout } from '../manifest/parse.js';
import { asFailure, Failure } from '../worker/failure.js';
import type { Wishes } from './choose.js';
import * as shelf from './manifest_shelf.js';
import { type OpenManifest, openManifest } from './manifest_source.js';
import { bucketOf, isIn } from './rollout.js';
import { NOTHING, recordKey, rolloutStore } from './rollout_store.js';
import { RolloutWatch } from './rollout_watch.js';
import { StallGuard } from './stall_guard.js';
import { isExcluded, roleOf } from './versions.js';

export interface CandidateVersion {
  readonly opened: OpenManifest;
  readonly watch: RolloutWatch;
  readonly why: string;
}

// The candidate that is to repeat runs of the stable version.
export interface ShadowVersion {
  readonly share: number;
  readonly url: string;
  readonly watch: RolloutWatch;
  readonly open: (signal: AbortSignal) => Promise<OpenManifest>;
}

// True: all runs of the clients in the bucket. With a share: that part of the runs of every client.
export type ShadowWish = boolean | { readonly share: number };

export interface VersionChoice {
  // Undefined: the stable version is to serve.
  readonly candidate?: CandidateVersion;
  // Whether the stable version is none to start in its place.
  readonly only?: boolean;
  readonly shadow?: ShadowVersion;
  readonly why: readonly string[];
}

// As long as the stable version may be kept waiting.
const MANIFEST_MS = 4000;

// By what is wished, else by the bucket of this client. Rejects with signal.reason and, for a version that is wished,
// with what is wrong with it.
export async function chooseVersion(
  stable: OpenManifest,
  { force, exclude, shadow = false }: Wishes & { readonly shadow?: ShadowWish | undefined },
  keep: boolean,
  signal: AbortSignal | undefined,
): Promise<VersionChoice> {
  const { manifest } = stable;
  const { version, rollout } = manifest;
  const named = force?.version;
  const role = named === undefined ? undefined : roleOf(named, stable, 'force.version');
  const forced = role === 'stable' ? [`version ${version}: forced`] : [];
  if (!rollout) return { why: forced };
  if (role === 'candidate' || isExcluded('stable', manifest, exclude)) {
    const why = role ? 'forced' : `version ${version} is excluded`;
    return {
      candidate: await openAsked(stable, undefined, keep, signal, why),
      only: true,
      why: [],
    };
  }
  if (isExcluded('candidate', manifest, exclude)) {
    return { why: [...forced, `version ${rollout.version} is excluded`] };
  }
  if (shadow !== false) return { why: forced, ...(await shadowOf(stable, rollout, shadow, keep)) };
  if (role === 'stable') return { why: forced };
  const found = await openByBucket(stable, rollout, keep, signal);
  if (typeof found === 'object') return { candidate: found, why: [] };
  return { why: found === undefined ? [] : [found] };
}

// Nothing for a client outside of the bucket, or one that rolled the candidate back.
async function shadowOf(
  stable: OpenManifest,
  rollout: Rollout,
  wish: true | { readonly share: number },
  keep: boolean,
): Promise<Pick<VersionChoice, 'shadow'>> {
  const { name } = stable.manifest;
  const { store, client, key, record } = await recordOf(stable, rollout.version, keep);
  const inside = wish !== true || isIn(bucketOf(client, name, rollout.version), rollout);
  if (!inside || record.rolledBack !== undefined) return {};
  return {
    shadow: {
      share: wish === true ? 1 : wish.share,
      url: new URL(rollout.url, stable.url).href,
      watch: new RolloutWatch({ rollout, store, key, record }),
      open: (signal) => open(rollout, stable, keep, signal),
    },
  };
}

// Undefined where the stable version is to serve; a text where that needs a reason. Rejects with
// signal.reason only.
async function openByBucket(
  stable: OpenManifest,
  rollout: Rollout,
  keep: boolean,
  signal: AbortSignal | undefined,
): Promise<CandidateVersion | string | undefined> {
  const { name } = stable.manifest;
  const { version, percent } = rollout;
  const { store, client, key, record } = await recordOf(stable, version, keep);
  const bucket = bucketOf(client, name, version);
  if (!isIn(bucket, rollout)) return undefined;
  if (record.rolledBack !== undefined) return record.rolledBack;
  try {
    const opened = await open(rollout, stable, keep, signal);
    const watch = new RolloutWatch({ rollout, store, key, record });
    const why = `candidate version ${version}: bucket ${bucket} of 10000, ${percent} % run it`;
    return { opened, watch, why };
  } catch (thrown) {
    signal?.throwIfAborted();
    return `version ${version} can not be had: ${asFailure(thrown).message}`;
  }
}

// The candidate that a caller asks for, in any bucket; `opened` if it is at hand. NO_CANDIDATE where it was rolled
// back. Needs a rollout.
export async function openAsked(
  stable: OpenManifest,
  opened: OpenManifest | undefined,
  keep: boolean,
  signal: AbortSignal | undefined,
  reason: string,
): Promise<CandidateVersion> {
  const rollout = stable.manifest.rollout!;
  const { store, key, record } = await recordOf(stable, rollout.version, keep);
  if (record.rolledBack !== undefined) throw new Failure('NO_CANDIDATE', record.rolledBack);
  return {
    opened: opened ?? (await open(rollout, stable, keep, signal)),
    watch: new RolloutWatch({ rollout, store, key, record }),
    why: `candidate version ${rollout.version}: ${reason}`,
  };
}

async function recordOf({ url, manifest }: OpenManifest, version: string, keep: boolean) {
  const store = rolloutStore(keep);
  const { client, records } = await store.read();
  const key = recordKey(url, manifest.name, version);
  const record = Object.hasOwn(records, key) ? records[key]! : NOTHING;
  return { store, client, key, record };
}

async function open(
  { url: relative, version }: Rollout,
  stable: OpenManifest,
  keep: boolean,
  signal: AbortSignal | undefined,
): Promise<OpenManifest> {
  const url = new URL(relative, stable.url).href;
  const copy = keep ? await shelf.find(url).catch(() => undefined) : undefined;
  const guard = new StallGuard(signal, MANIFEST_MS);
  guard.arm();
  try {
    // A stored copy of another version is of no use.
    const own = copy?.manifest.version === version ? copy : undefined;
    const opened = await openManifest(url, own, guard.signal, MANIFEST_MS / 2);
    checkFits(opened, stable.manifest, version);
    return opened;
  } finally {
    guard.end();
  }
}

// The stable version must be able to take over, with the runs that wait.
function checkFits({ url, manifest }: OpenManifest, stable: Manifest, version: string): void {
  const refuse = (field: string, found: string, wanted: string) => {
    if (found === wanted) return;
    const message = `${url}: ${field} is ${found}, that of the rollout ${wanted}`;
    throw new Failure('MANIFEST_INVALID', message, { url, field });
  };
  refuse('version', manifest.version, version);
  refuse('name', manifest.name, stable.name);
  for (const side of ['inputs', 'outputs'] as const) {
    const text = (values: Manifest[typeof side]) =>
      values.map(({ name, dtype }) => `${name} (${dtype})`).join(', ');
    refuse(side, text(manifest[side]), text(stable[side]));
  }
}
