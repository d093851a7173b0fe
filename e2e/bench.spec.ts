// The bench measures a small model in every way that it has, in both engines.
import { join } from 'node:path';
import { type Browser, expect, test } from '@playwright/test';
import { encodeModel, node, tensor, value } from '../tools/onnx/model.mjs';
import { type Handler, type Server, serve } from '../tools/server.mjs';

interface Spread {
  readonly median: number;
}
interface Case {
  readonly key: string;
  readonly precision: string;
  readonly url: string;
  readonly inputs: () => object[];
}
type Kind = 'ms' | 'cold' | 'warm' | 'process' | 'wasm' | 'counted';
interface EngineFigures extends Readonly<Record<Kind, Spread>> {
  readonly bytes: number;
}
interface Figures {
  readonly sardonyx: EngineFigures;
  readonly onnxruntime: EngineFigures;
  readonly ratio: Spread;
  readonly differs?: string;
}
interface StartFigures extends Figures {
  readonly cold: Spread;
  readonly loading: Spread;
}
interface Bench {
  steady(browser: Browser, base: string, which: Case, options: object): Promise<Figures>;
  coldStart(server: Server, which: Case, options: object): Promise<StartFigures>;
  peakMemory(base: string, which: Case, options: object): Promise<Figures>;
  emptyPagePeak(base: string): Promise<number>;
  inputsMount(cases: Case[]): Handler;
  watchedMount(dist: string): Handler;
  seededInputs(specs: object[]): object[];
}
const scripts = ['steady', 'cold', 'memory', 'cases', 'inputs'].map(
  (name) => `../bench/${name}.mjs`,
);
const root = join(import.meta.dirname, '..');

const model = encodeModel({
  inputs: [value('x', 'float32', [1, 64])],
  outputs: [value('y', 'float32', [1, 64])],
  initializers: [
    tensor(
      'w',
      'float32',
      [64, 64],
      Array.from({ length: 4096 }, (_, i) => i % 7),
    ),
  ],
  nodes: [node('MatMul', ['x', 'w'], ['y'])],
});

const options = { engines: ['sardonyx', 'onnxruntime'], threads: 1, rounds: 1, quick: true };

const both = ({ sardonyx, onnxruntime }: Figures) => [sardonyx, onnxruntime];

let bench: Bench;
let which: Case;
let server: Server;

test.beforeAll(async () => {
  const modules = await Promise.all(scripts.map((script) => import(script) as Promise<object>));
  bench = Object.assign({}, ...modules) as Bench;
  const specs = [{ name: 'x', dtype: 'float32', dims: [1, 64] }];
  which = {
    ...{ key: 'small', precision: 'fp32', url: '/small.onnx' },
    inputs: () => bench.seededInputs(specs),
  };
  const dist = join(root, 'dist');
  server = await serve({
    mounts: [
      ['/small.onnx', () => ({ body: model, type: 'application/octet-stream' })],
      ['/dist/', dist],
      ['/watched/', bench.watchedMount(dist)],
      ['/ort/', join(root, 'node_modules/onnxruntime-web/dist')],
      ['/inputs/', bench.inputsMount([which])],
      ['/', join(root, 'bench/page')],
    ],
  });
});
test.afterAll(() => server.close());

test('times of runs, and the outputs agree', async ({ browser }) => {
  const figures = await bench.steady(browser, server.url, which, options);
  expect(figures.differs).toBeUndefined();
  for (const { ms } of both(figures)) expect(ms.median).toBeGreaterThan(0);
  expect(figures.ratio.median).toBeGreaterThan(0);
});

test('first outputs with caches cold and warm, and what was downloaded', async () => {
  const figures = await bench.coldStart(server, which, options);
  for (const { cold, warm, bytes } of both(figures)) {
    expect(cold.median).toBeGreaterThan(0);
    expect(warm.median).toBeGreaterThan(0);
    expect(bytes).toBeGreaterThan(300_000);
  }
  expect(figures.loading.median).toBeGreaterThan(0);
  expect(figures.loading.median).not.toBe(figures.cold.median);
});

test('memory of the process and of wasm', async () => {
  const emptyPage = await bench.emptyPagePeak(server.url);
  expect(emptyPage).toBeGreaterThan(10e6);
  const figures = await bench.peakMemory(server.url, which, { ...options, emptyPage });
  for (const { process, wasm, counted } of both(figures))
    for (const { median } of [process, wasm, counted]) expect(median).toBeGreaterThan(1e6);
});
