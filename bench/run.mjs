// npm run bench: Sardonyx and onnxruntime-web in turns in one Chromium, a fresh page each time.
//   --only PARTS      of models, twins, kernels, calls, cold, memory
//   --models a,b      some models or twins only             --files a.onnx,b.onnx   models of yours
//   --threads 1,2     numbers of threads                    --rounds 7              visits per engine
//   --kernels TEXT    kernels with this in their name       --engines sardonyx      without the other
//   --quick           3 rounds, shorter ones                --write                 the table in docs/performance.md
//   --dist DIR        another build of Sardonyx             --module simd           the module without relaxed SIMD
//   --json FILE       where the figures go (bench/report/figures.json; the report lies beside it)
//   --add             to the figures that are there, in the place of older ones
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { main, seconds } from '../tools/process.mjs';
import { serve } from '../tools/server.mjs';
import { root } from '../tools/setup/paths.mjs';
import { emptyModelMount } from './calls.mjs';
import { caseMounts, chooseCases, inputsMount } from './cases.mjs';
import { kernelsMount } from './kernels.mjs';
import { machine } from './machine.mjs';
import { benchCalls, benchCold, benchKernels, benchMemory, benchModels } from './measure.mjs';
import { watchedMount } from './memory.mjs';
import { mergeReports } from './merge.mjs';
import { readOptions } from './options.mjs';
import { measurePeak, peakFolder } from './peak.mjs';
import { printSummary } from './console.mjs';
import { reportPage } from './report.mjs';
import { downloadSizes } from './sizes.mjs';
import { summarize } from './summary.mjs';
import { writeTables } from './table.mjs';
import { LastingBrowser } from './turns.mjs';

// Files may be kept, as those of a site are; a fresh page has none of them.
const CACHED = { 'Cache-Control': 'public, max-age=3600' };

const mounts = (options, cases) => [
  ['/dist/', options.dist],
  ['/watched/', watchedMount(options.dist)],
  ['/ort/', join(root, 'node_modules/onnxruntime-web/dist')],
  ...caseMounts(options.files),
  ['/inputs/', inputsMount(cases)],
  ['/kernels/', kernelsMount()],
  ['/empty/', emptyModelMount],
  ['/peak/', peakFolder],
  ['/', join(root, 'bench/page')],
];

async function measure(bench) {
  const { browser, server, options } = bench;
  const has = (...parts) => parts.some((part) => options.parts.includes(part));
  const { engines, rounds, module, quick } = options;
  const report = { machine: machine(await browser.current()), engines, rounds, module, quick };
  const { cpu, chromium, onnxruntimeWeb } = report.machine;
  console.log(`Chromium ${chromium}, onnxruntime-web ${onnxruntimeWeb}, ${cpu}`);
  report.peak = await measurePeak(await browser.current(), server.url, options.threads);
  const { gflops, readGBs, copyGBs } = report.peak;
  console.log(
    `one core: ${gflops.toFixed(1)} GFLOP/s, reads ${readGBs.toFixed(1)} GB/s, copies ${copyGBs.toFixed(1)} GB/s`,
  );
  if (has('calls')) report.calls = await benchCalls(bench);
  if (has('kernels')) report.kernels = await benchKernels({ ...bench, peak: report.peak });
  if (has('models', 'twins')) report.models = await benchModels(bench);
  if (has('cold')) report.cold = await benchCold(bench);
  if (has('memory')) report.memory = await benchMemory(bench);
  if (has('cold')) {
    report.brotliBytes = await downloadSizes(options.dist);
    for (const [engine, bytes] of Object.entries(report.brotliBytes))
      console.log(`${engine}: ${(bytes / 1024).toFixed(0)} KiB of JavaScript and wasm, brotli`);
  }
  return report;
}

function failures({ models = [], kernels = [], cold = [], memory = [] }) {
  const runs = models.flatMap(({ threads }) => Object.values(threads));
  return [...runs, ...kernels, ...cold, ...memory].filter(({ error, differs }) => error ?? differs);
}

const readReport = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {});

await main('bench', async () => {
  const start = Date.now();
  const options = readOptions();
  const cases = chooseCases(options);
  const server = await serve({ headers: CACHED, mounts: mounts(options, cases) });
  const browser = new LastingBrowser();
  try {
    const measured = await measure({ browser, server, cases, options });
    const report = options.add ? mergeReports(readReport(options.json), measured) : measured;
    report.summary = summarize(report);
    printSummary(report.summary);
    mkdirSync(dirname(options.json), { recursive: true });
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    const html = options.json.replace(/(\.json)?$/, '.html');
    writeFileSync(html, reportPage(report));
    if (options.write) await writeTables(report);
    console.log(`${html} and ${options.json}, after ${seconds(start)}`);
    if (failures(measured).length) process.exitCode = 1;
  } finally {
    await browser.close();
    await server.close();
  }
});
