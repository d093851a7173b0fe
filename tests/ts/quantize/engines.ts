// Both engines, and what their outputs have in common. Needs dist/: npm run build.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web';
import type * as Sardonyx from '../../../web/index.js';

const entry = resolve(process.env.SARDONYX_DIST ?? 'dist', 'index.mjs');
const { load, Tensor } = (await import(pathToFileURL(entry).href)) as typeof Sardonyx;
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

export interface Floats {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}
export type Feeds = Readonly<Record<string, Floats>>;
export type Outputs = Record<string, number[]>;

export async function runOurs(model: Uint8Array, feeds: Feeds): Promise<Outputs> {
  const session = await load(model);
  try {
    const tensors = Object.entries(feeds).map(
      ([name, { shape, data }]) => [name, new Tensor('float32', data, [...shape])] as const,
    );
    const results = await session.run(Object.fromEntries(tensors));
    return Object.fromEntries(
      Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
    );
  } finally {
    await session.dispose();
  }
}

export async function runTheirs(model: Uint8Array, feeds: Feeds): Promise<Outputs> {
  const session = await ort.InferenceSession.create(model);
  try {
    const tensors = Object.entries(feeds).map(
      ([name, { shape, data }]) => [name, new ort.Tensor('float32', data, [...shape])] as const,
    );
    const results = await session.run(Object.fromEntries(tensors));
    return Object.fromEntries(
      Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
    );
  } finally {
    await session.release();
  }
}

/** The same numbers in [-1, 1) each time. */
export function noise(count: number, seed = 1): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

export function cosine(a: readonly number[], b: readonly number[]): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (const [i, x] of a.entries()) {
    const y = b[i]!;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}
