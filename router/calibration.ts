// How fast integers are on this CPU, measured with the engine itself: two small models of the same products,
// one of floats and one of bytes, run in turns.
import { decodeBase64 } from './numbers.js';
import type { Feed, Route } from './route.js';

export interface CalibrationHooks {
  // With one thread, in a worker of its own.
  readonly start: (model: Uint8Array<ArrayBuffer>) => Promise<Route>;
  // Resolves when the page has time; false ends the calibration.
  readonly idle: () => Promise<boolean>;
  readonly now: () => number;
}

// Of the runs of both; a run takes a few milliseconds. Kernels get fast after up to 183 ms.
const TOTAL_MS = 600;
const WARM_UP_MS = 300;
const MIN_SAMPLES = 3;

// Speed of integers relative to floats; undefined when it was ended too soon. Rejects with what a route rejects
// with.
export async function calibrate({
  start,
  idle,
  now,
}: CalibrationHooks): Promise<number | undefined> {
  // In manifest.mjs, which is there: no model is calibrated without a manifest.
  const { MODELS } = await import('./calibration_models.generated.js');
  const routes: Route[] = [];
  try {
    for (const model of [MODELS.float, MODELS.integer])
      routes.push(await start(decodeBase64(model)));
    const feeds = [new Float32Array(1), new Uint8Array(1)] as const;
    const times: readonly [number[], number[]] = [[], []];
    let spent = 0;
    while (spent < TOTAL_MS) {
      for (const side of [0, 1] as const) {
        if (!(await idle())) return undefined;
        const began = now();
        await routes[side]!.run([feedOf(feeds[side].slice())], [0]);
        const ms = now() - began;
        if (spent >= WARM_UP_MS) times[side].push(ms);
        spent += ms;
      }
    }
    const speed = typical(times[0]) / typical(times[1]);
    return times[1].length >= MIN_SAMPLES && speed > 0 && speed < Infinity ? speed : undefined;
  } finally {
    await Promise.all(routes.map((route) => route.dispose()));
  }
}

// The mean, because a clock may tick in milliseconds, without runs that something disturbed.
function typical(times: readonly number[]): number {
  const limit = 3 * [...times].sort((a, b) => a - b)[times.length >> 1]!;
  const kept = times.filter((ms) => ms <= limit);
  return kept.reduce((sum, ms) => sum + ms, 0) / kept.length;
}

const feedOf = (data: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>): Feed => ({
  input: 0,
  type: data instanceof Float32Array ? 'float32' : 'uint8',
  shape: [1],
  data,
  owned: true,
});
