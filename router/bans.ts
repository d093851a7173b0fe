// What failed before, so that it comes last. Wrong answers are remembered for a week, for this browser,
// version of the engine and adapter; what may have been a bad moment, as long as the page.
import type { ErrorCode } from '../worker/errors.generated.js';
import type { Failure } from '../worker/failure.js';
import { banKey, type Bans, type Candidate } from './candidates.js';
import type { GpuProbe } from './gpu_probe.js';
import { machineKey } from './machine_key.js';
import { readValue, writeValue } from './page_storage.js';

// By machineKey() and banKey(): why, and until when.
type Stored = Record<string, readonly [why: string, until: number]>;

type BannedRoute = Pick<Candidate, 'variant' | 'device' | 'module'>;

const KEY = 'sardonyx-bans';
const WEEK_MS = 7 * 24 * 3600e3;
const MAX_STORED = 64;
const LASTING = new Set<ErrorCode>(['SELFTEST_FAILED']);

const ofPage = new Map<string, string>();

export function ban(
  { variant, device, module }: BannedRoute,
  failure: Failure,
  gpu: GpuProbe,
): void {
  const key = banKey(variant, device, module);
  if (!LASTING.has(failure.code)) {
    ofPage.set(key, failure.message);
    return;
  }
  const name = `${keys(gpu)[device]} ${key}`;
  const { [name]: _, ...others } = stored();
  const newest = Object.entries(others).slice(1 - MAX_STORED);
  const until = Date.now() + WEEK_MS;
  writeValue(KEY, { ...Object.fromEntries(newest), [name]: [failure.message, until] });
}

// It works after all. A wrong answer stays known.
export function liftBan({ variant, device, module }: BannedRoute): void {
  ofPage.delete(banKey(variant, device, module));
}

export function knownBans(gpu: GpuProbe): Bans {
  const here = Object.values(keys(gpu));
  const bans = new Map(ofPage);
  for (const [name, [why]] of Object.entries(stored())) {
    const end = name.indexOf(' ');
    if (here.includes(name.slice(0, end))) bans.set(name.slice(end + 1), why);
  }
  return bans;
}

const keys = (gpu: GpuProbe) => ({
  cpu: machineKey('cpu'),
  webgpu: machineKey('webgpu', gpu.available ? gpu.adapter : ''),
});

// Those that still count.
function stored(): Stored {
  const isBan = (value: unknown): value is Stored[string] =>
    Array.isArray(value) && typeof value[0] === 'string' && Number(value[1]) > Date.now();
  return Object.fromEntries(
    Object.entries((readValue(KEY) ?? {}) as Record<string, unknown>).filter(
      (entry): entry is [string, Stored[string]] => isBan(entry[1]),
    ),
  );
}
