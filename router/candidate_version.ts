// The candidate version of a manifest, where this client is to run it.
import type { Manifest, Rollout } from '../manifest/parse.js';
import { asFailure, Failure } from '../worker/failure.js';
import * as shelf from './manifest_shelf.js';
import { type OpenManifest, openManifest } from './manifest_source.js';
import { bucketOf, isIn } from './rollout.js';
import { NOTHING, recordKey, rolloutStore } from './rollout_store.js';
import { RolloutWatch } from './rollout_watch.js';
import { StallGuard } from './stall_guard.js';

export interface CandidateVersion {
  readonly opened: OpenManifest;
  readonly watch: RolloutWatch;
  readonly why: string;
}

// As long as the stable version may be kept waiting.
const MANIFEST_MS = 4000;

// Undefined where the stable version is to serve; a text where that needs a reason. Rejects with
// signal.reason only.
export async function openCandidate(
  stable: OpenManifest,
  keep: boolean,
  signal: AbortSignal | undefined,
): Promise<CandidateVersion | string | undefined> {
  const { name, rollout } = stable.manifest;
  if (!rollout) return undefined;
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
): Promise<OpenManifest> {
  const { rollout } = stable.manifest;
  const { rolledBack } = (await recordOf(stable, rollout!.version, keep)).record;
  if (rolledBack !== undefined) throw new Failure('NO_CANDIDATE', rolledBack);
  return opened ?? open(rollout!, stable, keep, signal);
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
