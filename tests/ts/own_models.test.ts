// The models of models/: the files are what their manifests say, and onnxruntime-web and this
// engine give the manifests' known answers with them. Needs dist/: npm run build.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web';
import { describe, expect, it, vi } from 'vitest';
import type * as Sardonyx from '../../web/index.js';

const entry = resolve(process.env.SARDONYX_DIST ?? 'dist', 'index.mjs');
if (!existsSync(entry)) throw new Error('missing: dist/. Type: npm run build');
const { load, Tensor } = (await import(pathToFileURL(entry).href)) as typeof Sardonyx;
vi.setConfig({ testTimeout: 60_000 });
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

interface Values {
  readonly shape: number[];
  readonly data: Float32Array<ArrayBuffer>;
}
interface Encoded {
  readonly dtype: 'float32';
  readonly shape: number[];
  readonly base64: string;
}
interface Manifest {
  readonly name: string;
  readonly inputs: { name: string }[];
  readonly outputs: { name: string }[];
  readonly variants: { name: string; url: string; bytes: number; sha256: string; opset: number }[];
  readonly measured: object;
  readonly knownAnswers: {
    title: string;
    inputs: Record<string, Encoded>;
    outputs: Record<string, Encoded>;
    tolerance: Record<string, number>;
  }[];
}

const decode = ({ shape, base64 }: Encoded): Values => {
  const bytes = Buffer.from(base64, 'base64');
  const data = new Float32Array(bytes.byteLength / 4);
  new Uint8Array(data.buffer).set(bytes);
  return { shape, data };
};

const worst = (a: Float32Array, b: Float32Array) => {
  expect(a.length).toBe(b.length);
  let off = 0;
  for (let i = 0; i < a.length; ++i) {
    const difference = Math.abs(a[i]! - b[i]!);
    // NaN must not pass as small.
    off = difference <= off ? off : difference;
  }
  return off;
};

// Blocks of two grey levels with some noise: neither of the size nor the kind of the known answers.
const picture = (shape: number[]): Values => {
  const width = shape[3]!;
  let state = 7;
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const block = ((i % width) >> 3) + (Math.floor(i / width) >> 3);
    return Math.round(255 * (0.25 + 0.5 * (block & 1) + 0.2 * (state / 2 ** 32))) / 255;
  });
  return { shape, data };
};

const withOrt = async (file: Uint8Array, input: string, { data, shape }: Values) => {
  const session = await ort.InferenceSession.create(file, { executionProviders: ['wasm'] });
  const outputs = await session.run({ [input]: new ort.Tensor('float32', data, shape) });
  const { data: result } = outputs[session.outputNames[0]!]!;
  await session.release();
  return result as Float32Array;
};

const withSardonyx = async (file: Uint8Array<ArrayBuffer>, input: string, feeds: Values[]) => {
  const session = await load(file);
  const results = [];
  for (const { data, shape } of feeds) {
    const outputs = await session.run({ [input]: new Tensor('float32', data, shape) });
    const { data: result } = Object.values(outputs)[0]!;
    if (!(result instanceof Float32Array)) throw new Error('not float32');
    results.push(result);
  }
  await session.dispose();
  return results;
};

const otherShapes: Record<string, number[][]> = {
  glyphs: [[3, 1, 32, 32]],
  denoise: [
    [1, 3, 37, 53],
    [2, 3, 64, 48],
    [1, 3, 1, 5],
    [1, 3, 40, 131],
  ],
};

describe.each(Object.keys(otherShapes))('models/%s', (name) => {
  const folder = resolve('models', name);
  const read = (file: string) => readFileSync(resolve(folder, file));
  const manifest = JSON.parse(read(`${name}.sardonyx.json`).toString('utf8')) as Manifest;
  const input = manifest.inputs[0]!.name;
  const output = manifest.outputs[0]!.name;

  it('has the files and the model card that the manifest describes', () => {
    expect(manifest.variants.map((variant) => variant.name)).toEqual(['fp32', 'fp16', 'int8']);
    for (const { url, bytes, sha256 } of manifest.variants) {
      const file = read(url);
      expect(file.byteLength).toBe(bytes);
      expect(file.byteLength).toBeLessThanOrEqual(1.5e6);
      expect(createHash('sha256').update(file).digest('hex')).toBe(sha256);
    }
    const card = read('README.md').toString('utf8');
    const figures = JSON.stringify(manifest.measured).match(/\d+\.\d+/g) ?? [];
    expect(figures.length).toBeGreaterThan(10);
    for (const figure of figures) expect(card).toContain(Number(figure).toFixed(2));
  });

  describe.each(manifest.variants)('$name', ({ name: precision, url }) => {
    const file = new Uint8Array(read(url));
    const known = manifest.knownAnswers.map((answer) => ({
      feed: decode(answer.inputs[input]!),
      expected: decode(answer.outputs[output]!),
      tolerance: answer.tolerance[precision]!,
    }));
    const others = otherShapes[name]!.map(picture);

    it('gives the known answers in onnxruntime-web', async () => {
      for (const { feed, expected, tolerance } of known) {
        const result = await withOrt(file, input, feed);
        expect(worst(result, expected.data)).toBeLessThanOrEqual(tolerance);
      }
    });

    it('gives the known answers here, and what onnxruntime-web gives', async () => {
      const feeds = [...known.map(({ feed }) => feed), ...others];
      const results = await withSardonyx(file, input, feeds);
      for (const [i, { expected, tolerance }] of known.entries()) {
        expect(worst(results[i]!, expected.data)).toBeLessThanOrEqual(tolerance);
      }
      const tolerance = Math.max(...known.map((answer) => answer.tolerance));
      for (const [i, other] of others.entries()) {
        const reference = await withOrt(file, input, other);
        expect(worst(results[known.length + i]!, reference)).toBeLessThanOrEqual(tolerance);
      }
    });
  });
});
