// Models that the command line made smaller, in both engines, against what they were made of.
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type * as OrtLibrary from 'onnxruntime-web';
import { serve, type Server } from '../tools/server.mjs';
import type * as QuantizeLibrary from '../quantize/index';
import type * as SardonyxLibrary from '../web/index';
import { answerGolden, dataSets, haveShared, noShared, shared } from './golden';
import { expect, test } from './site';

const root = join(import.meta.dirname, '..');
const made = join(root, 'build/quantize_spec');
const run = promisify(execFile);

/** What the command line gets for each variant; golden inputs show the ranges of activations. */
const argsOf = (model: string, variant: string): string[] => {
  if (variant !== 'static') return [`--${variant}`];
  return ['--int8', '--calibrate', join(shared, 'golden', model)];
};

/**
 * Models, what they are made into, and the least cosine on their golden inputs: of the first output, and of any. In 4
 * bits the values of attention in the last of 5 layers, 64 numbers wide, are off most: noise of all layers before.
 */
const CASES: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>> = {
  ultraface_rfb320: { fp16: [0.9999, 0.9999], static: [0.999, 0.999] },
  yolox_nano: { fp16: [0.999, 0.999], static: [0.99, 0.99] },
  speech_commands_squeezenet: { fp16: [0.9999, 0.9999], static: [0.99, 0.99] },
  stories260k_fp32: { int8: [0.995, 0.99], int4: [0.98, 0.93], fp16: [0.9999, 0.9999] },
};

/** So many layers stay floats at most; those of yolox_nano have channels that differ much in size. */
const FLOATS: Readonly<Record<string, number>> = { yolox_nano: 12 };

/** The least share of FLOPs in integer products after static quantization. */
const INTEGERS: Readonly<Record<string, number>> = {
  ultraface_rfb320: 0.95,
  yolox_nano: 0.7,
  speech_commands_squeezenet: 0.95,
};

interface Report {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly kept: readonly object[];
  readonly outputs: readonly { readonly cosine: number }[];
}

async function quantize(model: string, precision: string): Promise<Report> {
  const file = join(shared, 'models', `${model}.onnx`);
  const out = join(made, `${model}_${precision}.onnx`);
  const args = ['quantize', file, ...argsOf(model, precision), '-o', out, '--json'];
  const { stdout } = await run(process.execPath, [join(root, 'dist/cli.mjs'), ...args]);
  return JSON.parse(stdout) as Report;
}

interface Question {
  readonly model: string;
  readonly set: string;
  readonly variants: readonly string[];
  readonly libraries: { readonly ours: string; readonly theirs: string };
}

/** In the page: by variant, cosines of the outputs in each engine, and how much is computed in integers. */
async function compareInPage({ model, set, variants, libraries }: Question) {
  const { load, Tensor } = (await import(libraries.ours)) as typeof SardonyxLibrary;
  const ort = (await import(libraries.theirs)) as typeof OrtLibrary;
  ort.env.wasm.wasmPaths = new URL('/ort/', location.href).href;
  ort.env.wasm.numThreads = 1;

  const arrays = { float32: Float32Array, int64: BigInt64Array } as const;
  const folder = `/golden/${model}/${set}`;
  const info = (await (await fetch(`${folder}/info.json`)).json()) as {
    inputs: { name: string; file: string }[];
  };
  const feeds = await Promise.all(
    info.inputs.map(async ({ name, file }) => {
      const answer = await fetch(`${folder}/${file}`);
      const { dtype, dims } = JSON.parse(answer.headers.get('X-Tensor')!) as {
        dtype: keyof typeof arrays;
        dims: number[];
      };
      const data = new arrays[dtype](await answer.arrayBuffer()) as Float32Array<ArrayBuffer>;
      return { name, dtype: dtype as 'float32', dims, data };
    }),
  );

  type Outputs = Record<string, Float32Array>;
  let integers = 0;
  const ours = async (url: string): Promise<Outputs> => {
    const session = await load(url);
    const named = feeds.map(
      ({ name, dtype, dims, data }) => [name, new Tensor(dtype, data, dims)] as const,
    );
    const results = await session.run(Object.fromEntries(named));
    const { steps, flops } = await session.profile(Object.fromEntries(named), { runs: 1 });
    await session.dispose();
    const ofIntegers = steps.filter(({ operator }) => operator.startsWith('FusedQLinear'));
    integers = ofIntegers.reduce((sum, step) => sum + step.flops, 0) / flops;
    return read(results);
  };
  const theirs = async (url: string): Promise<Outputs> => {
    const session = await ort.InferenceSession.create(url, { executionProviders: ['wasm'] });
    const named = feeds.map(
      ({ name, dtype, dims, data }) => [name, new ort.Tensor(dtype, data, dims)] as const,
    );
    const results = await session.run(Object.fromEntries(named));
    await session.release();
    return read(results);
  };
  const read = (results: Record<string, { data: unknown }>): Outputs =>
    Object.fromEntries(
      Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]),
    );
  const cosine = (a: Float32Array, b: Float32Array) => {
    let [ab, aa, bb] = [0, 0, 0];
    for (let i = 0; i < a.length; i++) {
      ab += a[i]! * b[i]!;
      aa += a[i]! ** 2;
      bb += b[i]! ** 2;
    }
    return ab / Math.sqrt(aa * bb);
  };
  const cosines = (expected: Outputs, found: Outputs) =>
    Object.entries(expected).map(([name, a]) => cosine(a, found[name]!));

  /** Of the FLOPs, those of integer products. */
  const shares: Record<string, number> = {};
  const expected = await ours(`/shared-models/${model}.onnx`);
  const cosinesOf: Record<string, { ours: number[]; theirs: number[] }> = {};
  for (const variant of variants) {
    const url = `/made/${model}_${variant}.onnx`;
    cosinesOf[variant] = {
      ours: cosines(expected, await ours(url)),
      theirs: cosines(expected, await theirs(url)),
    };
    shares[variant] = integers;
  }
  return { cosinesOf, shares };
}

let server: Server;
test.beforeAll(async () => {
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made, { recursive: true });
  server = await serve({
    mounts: [
      ['/dist/', join(root, 'dist')],
      ['/ort/', join(root, 'node_modules/onnxruntime-web/dist')],
      ['/golden/', answerGolden],
      ['/shared-models/', join(shared, 'models')],
      ['/made/', made],
      ['/page', () => ({ body: '<!doctype html><title>quantize</title>', type: 'text/html' })],
    ],
  });
});
test.afterAll(() => server.close());

for (const [model, variants] of Object.entries(CASES)) {
  test(`${model}: ${Object.keys(variants).join(', ')}`, async ({ page }) => {
    test.skip(!haveShared, noShared);
    for (const precision of Object.keys(variants)) {
      const { bytesBefore, bytesAfter, kept, outputs } = await quantize(model, precision);
      expect(bytesAfter).toBeLessThan(0.55 * bytesBefore);
      expect(outputs.length).toBeGreaterThan(0);
      if (precision === 'static') expect(kept.length).toBeLessThanOrEqual(FLOATS[model] ?? 0);
    }
    await page.goto(`${server.url}page`);
    const set = dataSets(model)[0]!;
    const { cosinesOf, shares } = await page.evaluate(compareInPage, {
      model,
      set,
      variants: Object.keys(variants),
      libraries: { ours: '/dist/index.mjs', theirs: '/ort/ort.wasm.min.mjs' },
    });
    for (const [precision, [first, any]] of Object.entries(variants)) {
      for (const [engine, cosines] of Object.entries(cosinesOf[precision]!)) {
        const least = Math.min(...cosines);
        const shown = `${cosines[0]!.toFixed(6)}, at least ${least.toFixed(6)}`;
        console.log(`${model} ${precision}, ${engine}: cosine ${shown}`);
        expect(cosines[0]).toBeGreaterThan(first);
        expect(least).toBeGreaterThan(any);
      }
      if (precision === 'static') expect(shares[precision]).toBeGreaterThan(INTEGERS[model]!);
    }
  });
}

test('a page makes the same file as the command line', async ({ page }) => {
  test.skip(!haveShared, noShared);
  await quantize('stories260k_fp32', 'int4');
  await page.goto(`${server.url}page`);
  const same = await page.evaluate(async (library) => {
    const { quantize } = (await import(library)) as typeof QuantizeLibrary;
    const fetchBytes = async (url: string) =>
      new Uint8Array(await (await fetch(url)).arrayBuffer());
    const model = await fetchBytes('/shared-models/stories260k_fp32.onnx');
    const made = (await quantize(model, { precision: 'int4' })).model;
    const expected = await fetchBytes('/made/stories260k_fp32_int4.onnx');
    return made.length === expected.length && made.every((byte, i) => byte === expected[i]);
  }, '/dist/quantize.mjs');
  expect(same).toBe(true);
});

test('a network of convolutions has nothing for int4', async () => {
  test.skip(!haveShared, noShared);
  await expect(quantize('yolox_nano', 'int4')).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('NOTHING_TO_QUANTIZE'),
  });
});

test('a page calibrates by itself', async ({ page }) => {
  test.skip(!haveShared, noShared);
  await page.goto(`${server.url}page`);
  const report = await page.evaluate(async (library) => {
    const { quantize } = (await import(library)) as typeof QuantizeLibrary;
    const answer = await fetch('/shared-models/speech_commands_squeezenet.onnx');
    const phases = new Set<string>();
    const { report } = await quantize(
      new Uint8Array(await answer.arrayBuffer()),
      { precision: 'int8', calibration: { samples: 'random' } },
      ({ phase }) => phases.add(phase),
    );
    return { ...report, phases: [...phases] };
  }, '/dist/quantize.mjs');
  expect(report.phases).toEqual(['calibrate', 'compare']);
  expect(report.layers).toHaveLength(26);
  expect(report.outputs[0]!.cosine).toBeGreaterThan(0.99);
});
