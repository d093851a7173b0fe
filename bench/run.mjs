// npm run bench: Sardonyx and onnxruntime-web in turns in one Chromium, a fresh page each time.
//   --models a,b      some models or twins only             --files a.onnx,b.onnx   models of yours
//   --threads 1,2     numbers of threads                    --rounds 7              visits per engine
//   --only PARTS      models, twins                         --engines sardonyx      without the other
//   --quick           3 rounds, shorter ones                --module simd           the module without relaxed SIMD
//   --dist DIR        another build of Sardonyx             --json FILE             where the figures go
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { serve } from '../tools/server.mjs';
import { root } from '../tools/setup/paths.mjs';
import {
  caseMounts,
  givenCases,
  inputsMount,
  lightCases,
  modelCases,
  twinCases,
} from './cases.mjs';
import { line, ms, range } from './console.mjs';
import { machine } from './machine.mjs';
import { readOptions } from './options.mjs';
import { steady } from './steady.mjs';
import { launch } from './turns.mjs';

async function chooseCases({ parts, models, files }) {
  const all = [
    ...(parts.includes('models') ? [...modelCases(), ...lightCases()] : []),
    ...(parts.includes('twins') ? await twinCases() : []),
  ];
  const unknown = models?.find((name) => !all.some((each) => each.name === name));
  if (unknown) throw new Error(`there is no model ${unknown}`);
  return [...all.filter(({ name }) => !models || models.includes(name)), ...givenCases(files)];
}

const WIDTHS = [28, 7, 12, 12, 20];

async function benchModels(browser, base, cases, options) {
  console.log(line(['model, ms per run', 'threads', ...options.engines, 'ratio'], WIDTHS));
  const rows = [];
  for (const which of cases) {
    const { key, name, group, precision, gemmOnly, bytes } = which;
    const row = { key, name, group, precision, gemmOnly, bytes, threads: {} };
    for (const threads of options.threads) {
      const figures = await steady(browser, base, which, { ...options, threads }).catch((error) => ({
        error: error.message.split('\n')[0],
      }));
      row.threads[threads] = figures;
      const times = options.engines.map((engine) => figures[engine] && ms(figures[engine].ms.median));
      const ratio = figures.ratio ? range(figures.ratio) : '';
      const problem = figures.error ?? figures.differs ?? '';
      console.log(line([name, threads, ...times, ratio], WIDTHS), problem);
    }
    rows.push(row);
  }
  return rows;
}

async function main() {
  const options = readOptions();
  const cases = await chooseCases(options);
  const server = await serve({
    mounts: [
      ['/dist/', options.dist],
      ['/ort/', join(root, 'node_modules/onnxruntime-web/dist')],
      ...caseMounts(options.files),
      ['/inputs/', inputsMount(cases)],
      ['/', join(root, 'bench/page')],
    ],
  });
  const browser = await launch();
  const report = { machine: machine(browser), module: options.module, rounds: options.rounds };
  const { cpu, chromium, onnxruntimeWeb } = report.machine;
  console.log(`Chromium ${chromium}, onnxruntime-web ${onnxruntimeWeb}, ${cpu}`);
  try {
    report.models = await benchModels(browser, server.url, cases, options);
  } finally {
    await browser.close();
    await server.close();
  }
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`figures in ${options.json}`);
  const wrong = report.models.flatMap(({ threads }) => Object.values(threads));
  if (wrong.some(({ error, differs }) => error ?? differs)) process.exitCode = 1;
}

await main();
