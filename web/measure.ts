// Measures how fast integers are here, once in a week, after the first answer and in time that the page does
// not need.
import type { Manifest } from '../manifest/parse.js';
import { calibrate } from '../router/calibration.js';
import { choose } from '../router/choose.js';
import type { Features } from '../router/features.js';
import { costOf, knownSpeeds, rememberSpeed, TABLE } from '../router/speeds.js';
import { WorkerRoute } from '../router/worker_route.js';
import { resolveAssets } from './assets.js';
import type { LoadOptions } from './load.js';

// After these the page is too busy.
const PATIENCE_MS = 30_000;
const IDLE_MS = 1000;

// Never rejects: what was not measured is in the table.
export async function measure(
  { variants }: Manifest,
  { assets = {}, execution, force }: LoadOptions,
  features: Features,
): Promise<void> {
  const costs = variants
    .filter(({ devices }) => devices.includes('cpu'))
    .map(({ precision }) => costOf('cpu', precision, TABLE));
  const matters = new Set(costs).size > 1 && force?.module === undefined;
  const isPage = typeof document === 'object' && execution !== 'inline';
  if (!matters || !isPage || isKnown(features)) return;
  const { workerUrl, wasm } = resolveAssets(assets, choose(features).module);
  const began = performance.now();
  const setup = { workerUrl, wasm, threads: 1, isolated: features.isolated, external: {} };
  await alone(async () => {
    if (isKnown(features)) return;
    const int8 = await calibrate({
      start: (bytes) =>
        WorkerRoute.start({ ...setup, source: { bytes } }, { onProgress: () => undefined }),
      idle: async () => {
        await idle();
        const late = performance.now() - began > PATIENCE_MS;
        return !late && document.visibilityState === 'visible';
      },
      now: () => performance.now(),
    });
    if (int8 !== undefined) rememberSpeed(int8, features.cores);
  }).catch(() => undefined);
}

const isKnown = ({ cores }: Features) => knownSpeeds(cores).measured;

// In one tab at a time; another one that measures does so for all.
async function alone(work: () => Promise<void>): Promise<void> {
  const { locks } = navigator as Partial<Navigator>;
  if (!locks) return work();
  await locks.request('sardonyx-calibration', { ifAvailable: true }, (lock) =>
    lock ? work() : undefined,
  );
}

// Safari has no idle callbacks.
function idle(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof requestIdleCallback === 'function') {
      requestIdleCallback(() => resolve(), { timeout: IDLE_MS });
    } else setTimeout(resolve, 20);
  });
}
