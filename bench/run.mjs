// npm run bench: Sardonyx and onnxruntime-web in turns in one Chromium, a fresh page each time.
//   npm run bench -- --models mnist_cnn_cntk,superres10 --threads 2 --rounds 9 --module simd
//   --dist DIR    another build of Sardonyx
//   --json FILE   where the figures go (default build/bench.json)
//   --no-sizes    leaves out the brotli sizes, which take half a minute
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { serve } from '../tools/server.mjs';
import { root } from '../tools/setup/paths.mjs';
import { answerInputs, haveShared, sharedModels } from './inputs.mjs';
import { downloadSizes } from './sizes.mjs';
import { median, spread } from './statistics.mjs';

const defaultModels = [
  'mnist_cnn_cntk',
  'dtln_1',
  'stories260k_fp32',
  'speech_commands_squeezenet',
  'ultraface_rfb320',
  'squeezenet1_0_fp32',
  'yolox_nano',
  'superres10',
];
const engines = ['sardonyx', 'onnxruntime'];

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: defaultModels.join() },
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '7' },
    module: { type: 'string' },
    dist: { type: 'string', default: 'dist' },
    json: { type: 'string', default: 'build/bench.json' },
    sizes: { type: 'boolean', default: true },
  },
  allowNegative: true,
});

const mounts = [
  ['/dist/', resolve(root, values.dist)],
  ['/ort/', join(root, 'node_modules/onnxruntime-web/dist')],
  ['/models/', sharedModels],
  ['/inputs/', answerInputs],
  ['/', join(root, 'bench/page')],
];

/** One engine, one model, one fresh page with an empty cache. */
async function visit(browser, base, engine, model) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(base);
    const options = {
      engine,
      model,
      url: `/models/${model}.onnx`,
      threads: Number(values.threads),
      module: engine === 'sardonyx' ? values.module : undefined,
      warmMs: 400,
      measureMs: 400,
      minRuns: 5,
    };
    return await page.evaluate(async (options) => {
      const { measure } = await import('/measure.js');
      return measure(options);
    }, options);
  } finally {
    await context.close();
  }
}

/** Both engines must have computed the same, or their times say nothing. */
function checkSame(model, a, b) {
  for (const [name, { shape, mean }] of Object.entries(b)) {
    const other = a[name];
    const same = other && other.shape.join() === shape.join();
    if (!same || !(Math.abs(other.mean - mean) <= 1e-3 * Math.abs(mean) + 1e-12)) {
      throw new Error(
        `${model}: output ${name} differs: ${JSON.stringify({ sardonyx: other, onnxruntime: b[name] })}`,
      );
    }
  }
}

async function benchModel(browser, base, model) {
  const rounds = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const seen = {};
    for (const engine of round % 2 ? [...engines].reverse() : engines) {
      seen[engine] = await visit(browser, base, engine, model);
    }
    checkSame(model, seen.sardonyx.outputs, seen.onnxruntime.outputs);
    rounds.push(seen);
  }
  const figures = { model, rounds: rounds.length, about: rounds[0].sardonyx.about };
  for (const engine of engines) {
    figures[engine] = {
      ms: spread(rounds.map((seen) => median(seen[engine].times))),
      coldMs: spread(rounds.map((seen) => seen[engine].coldMs)),
      createMs: spread(rounds.map((seen) => seen[engine].createMs)),
      firstMs: spread(rounds.map((seen) => seen[engine].firstMs)),
    };
  }
  const ratio = ({ sardonyx, onnxruntime }) => median(onnxruntime.times) / median(sardonyx.times);
  figures.ratio = spread(rounds.map(ratio));
  return figures;
}

const show = (ms) => (ms < 10 ? ms.toFixed(2) : ms.toFixed(1));

function printRow({ model, sardonyx, onnxruntime, ratio }) {
  const cells = [
    model.padEnd(28),
    show(sardonyx.ms.median).padStart(10),
    show(onnxruntime.ms.median).padStart(10),
    `${ratio.median.toFixed(2)} (${ratio.q1.toFixed(2)}–${ratio.q3.toFixed(2)})`.padStart(20),
    Math.round(sardonyx.coldMs.median).toString().padStart(10),
    Math.round(onnxruntime.coldMs.median).toString().padStart(10),
  ];
  console.log(cells.join(' '));
}

async function main() {
  if (!haveShared) throw new Error('the bench needs ../shared (models and their inputs)');
  const version = JSON.parse(
    readFileSync(join(root, 'node_modules/onnxruntime-web/package.json'), 'utf8'),
  ).version;
  const server = await serve({ mounts });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  const report = {
    chromium: browser.version(),
    onnxruntimeWeb: version,
    cpu: cpus()[0]?.model,
    threads: Number(values.threads),
    module: values.module ?? 'chosen',
    models: [],
  };
  console.log(
    `Chromium ${report.chromium}, onnxruntime-web ${version}, ${report.cpu}, threads: ${values.threads}`,
  );
  console.log(
    'ms per run: medians over rounds; ratio: onnxruntime-web / Sardonyx, median and middle half',
  );
  console.log(
    `${'model'.padEnd(28)} ${'Sardonyx'.padStart(10)} ${'ort-web'.padStart(10)} ${'ratio'.padStart(20)} ${'cold'.padStart(10)} ${'ort cold'.padStart(10)}`,
  );
  try {
    for (const model of values.models.split(',')) {
      const figures = await benchModel(browser, server.url, model);
      report.models.push(figures);
      printRow(figures);
    }
  } finally {
    await browser.close();
    await server.close();
  }
  if (values.sizes) {
    report.brotliBytes = await downloadSizes(resolve(root, values.dist));
    for (const [engine, bytes] of Object.entries(report.brotliBytes)) {
      console.log(`${engine}: ${(bytes / 1024).toFixed(0)} KiB brotli (JavaScript and wasm)`);
    }
  }
  const file = resolve(root, values.json);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`figures in ${file}`);
}

await main();
