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

const PARTS = [
  ['calls', ['calls'], benchCalls],
  ['kernels', ['kernels'], benchKernels],
  ['models', ['models', 'twins'], benchModels],
  ['cold', ['cold'], benchCold],
  ['memory', ['memory'], benchMemory],
];

/** Measures what the options ask for, and calls `save` with what there is after each part. */
async function measure(bench, save) {
  const { browser, server, options } = bench;
  const { engines, rounds, module, quick, parts } = options;
  const about = machine(await browser.current());
  const peak = await measurePeak(await browser.current(), server.url, options.threads);
  const report = { machine: about, engines, rounds, module, quick, peak };
  console.log(
    `Chromium ${about.chromium}, onnxruntime-web ${about.onnxruntimeWeb}, ${about.cpu}; one core: ${peak.gflops.toFixed(1)} GFLOP/s, reads ${peak.readGBs.toFixed(1)} GB/s, copies ${peak.copyGBs.toFixed(1)} GB/s`,
  );
  for (const [name, wanted, work] of PARTS) {
    if (!wanted.some((part) => parts.includes(part))) continue;
    report[name] = await work({ ...bench, peak });
    save(report);
  }
  if (parts.includes('cold')) report.brotliBytes = await downloadSizes(options.dist);
  return report;
}

function failures({ models = [], kernels = [], calls = [], cold = [], memory = [] }) {
  const runs = models.flatMap(({ threads }) => Object.values(threads));
  return [...runs, ...kernels, ...calls, ...cold, ...memory].filter(
    ({ error, differs }) => error ?? differs,
  );
}

const readReport = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {});

/** A function that writes a report: the figures as JSON, and the page beside them. */
function reportWriter({ json, add }) {
  const earlier = add ? readReport(json) : {};
  const html = json.replace(/(\.json)?$/, '.html');
  mkdirSync(dirname(json), { recursive: true });
  return (measured) => {
    const report = mergeReports(earlier, measured);
    report.summary = summarize(report);
    writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
    writeFileSync(html, reportPage(report));
    return { report, html };
  };
}

await main('bench', async () => {
  const start = Date.now();
  const options = readOptions();
  const cases = chooseCases(options);
  const server = await serve({ headers: CACHED, mounts: mounts(options, cases) });
  const browser = new LastingBrowser();
  try {
    const save = reportWriter(options);
    const measured = await measure({ browser, server, cases, options }, save);
    const { report, html } = save(measured);
    printSummary(report);
    if (options.write) await writeTables(report);
    console.log(`${html} and ${options.json}, after ${seconds(start)}`);
    if (failures(measured).length) process.exitCode = 1;
  } finally {
    await browser.close();
    await server.close();
  }
});
