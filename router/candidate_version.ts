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
  const store = rolloutStore(keep);
  const { client, records } = await store.read();
  const bucket = bucketOf(client, name, version);
  if (!isIn(bucket, rollout)) return undefined;
  const key = recordKey(stable.url, name, version);
  const record = Object.hasOwn(records, key) ? records[key]! : NOTHING;
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
