// The same program on onnxruntime-web and on sardonyx/ort must see the same. Needs dist/.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as reference from 'onnxruntime-web';
import { expect, it } from 'vitest';
import type * as Ort from '../../web/ort/index.js';
import { linearModel, twoOutputModel } from './models.js';

const entry = resolve(process.env.SARDONYX_DIST ?? 'dist', 'ort.mjs');
const ort = (await import(pathToFileURL(entry).href)) as typeof Ort;
reference.env.wasm.numThreads = 1;

const read = (results: Record<string, Ort.Tensor>) =>
  Object.entries(results).map(([name, { type, dims, size, data, location }]) => {
    return { name, type, dims, size, location, data: Array.from(data as Float32Array) };
  });

const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (thrown: unknown) => thrown instanceof Error,
  );

async function exercise({ InferenceSession, Tensor }: typeof Ort) {
  const padded = Uint8Array.from([7, ...linearModel(), 7]);
  const linear = await InferenceSession.create(padded.buffer, 1, padded.length - 2, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const image = new Tensor('float32', [1, 2, 3, 4, 5, 6, 7, 8], [2, 4]);
  const two = await InferenceSession.create(twoOutputModel());
  const x = new Tensor('float32', Float32Array.of(-1, 2, -3, 4), [2, 2]);
  const y = new Tensor('float32', new Float32Array(4), [2, 2]);
  const preallocated = await two.run({ x }, { y });
  const seen = {
    names: [linear.inputNames, linear.outputNames, two.inputNames, two.outputNames],
    inputs: linear.inputMetadata,
    outputs: [linear.outputMetadata, two.outputMetadata],
    linear: read(await linear.run({ image })),
    all: read(await two.run({ x }, { tag: 'options' })),
    named: read(await two.run({ x }, ['z'])),
    nulls: read(await two.run({ x }, { z: null }, {})),
    preallocated: preallocated.y === y,
    extra: await errorOf(linear.run({ image, other: x })),
    missing: await errorOf(two.run({})),
    wrongType: await errorOf(two.run({ x: new Tensor('int32', [1, 2, 3, 4], [2, 2]) })),
    wrongShape: await errorOf(two.run({ x: new Tensor('float32', [1, 2], [2]) })),
    garbage: await errorOf(InferenceSession.create(Uint8Array.of(1, 2, 3))),
    intact: Array.from(x.data),
  };
  await linear.release();
  await two.release();
  return { seen, written: Array.from(y.data) };
}

it('sees the same with both', { timeout: 60_000 }, async () => {
  const ours = await exercise(ort);
  const theirs = await exercise(reference as unknown as typeof Ort);
  expect(ours.seen).toEqual(theirs.seen);
  // onnxruntime-web 1.30 leaves a pre-allocated output as it was.
  expect(ours.written).toEqual([0, 3, -2, 5]);
  expect(ours.seen.linear[0]!.data).toEqual([20, 120, 220, 44, 304, 564]);
});
