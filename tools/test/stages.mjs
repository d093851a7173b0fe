// The stages of `npm test`, in order. Each returns totals, or a text that says why there is nothing to do.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildAll } from '../build.mjs';
import { build, buildDir } from '../cmake.mjs';
import { npmBin, run } from '../process.mjs';
import { root } from '../setup/paths.mjs';
import { cppFiles, projectFiles } from './files.mjs';
import { ctestTotals, none, playwrightTotals, vitestTotals } from './reports.mjs';

const results = join(root, 'build/results');

export const stages = [
  { name: 'lint', title: 'format and lint', run: lint },
  { name: 'native', title: 'C++ tests, native with sanitizers', run: (o) => ctest('native', o) },
  { name: 'wasm', title: 'C++ tests, WebAssembly SIMD128 in Node', run: (o) => ctest('wasm', o) },
  {
    name: 'wasm-relaxed',
    title: 'C++ tests, WebAssembly relaxed SIMD in Node',
    run: (o) => ctest('wasm-relaxed', o),
  },
  { name: 'build', title: 'wasm modules, dist/ and demo', run: buildStage },
  { name: 'conformance', title: "ONNX's backend tests, native and wasm", run: onnxSuite },
  { name: 'types', title: 'TypeScript types', run: types },
  { name: 'vitest', title: 'TypeScript tests', run: vitest },
  { name: 'e2e', title: 'browser tests', run: e2e },
];

/** Totals of a step that is no test itself: nothing when it succeeds, one failure when it does not. */
const gate = (status) => (status === 0 ? none() : { ...none(), failed: 1 });

/** Adds a failure when the runner failed but its report names none. */
const settle = (totals, status) =>
  status !== 0 && totals.failed === 0 ? { ...totals, failed: 1 } : totals;

function cleanResults(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

async function lint() {
  const cache = join(root, 'build/cache');
  mkdirSync(cache, { recursive: true });
  const cacheAt = (name) => ['--cache', '--cache-location', join(cache, name)];
  let failed = await run(npmBin('prettier'), [
    ...['--check', '--log-level', 'warn', '--cache-strategy', 'content'],
    ...cacheAt('prettier'),
    '.',
  ]);
  failed ||= await run(npmBin('eslint'), ['--max-warnings', '0', '.']);
  const files = await cppFiles();
  if (files.length > 0) {
    failed ||= await run('clang-format-19', [
      '--dry-run',
      '--Werror',
      '--ferror-limit=3',
      ...files,
    ]);
  }
  if (failed) console.log('`npm run format` rewrites files in the wanted format');
  return gate(failed);
}

async function ctest(preset, { jobs }) {
  if (!existsSync(join(root, 'tests/cpp/CMakeLists.txt'))) return 'there are no C++ tests';
  await build(preset, { jobs });
  const folder = join(buildDir(preset), 'results');
  cleanResults(folder);
  const report = ['--output-junit', join(folder, 'ctest.xml')];
  const status = await run('ctest', ['--preset', preset, '-j', String(jobs), ...report]);
  return settle(ctestTotals(folder), status);
}

async function buildStage({ jobs }) {
  await buildAll({ jobs });
  return none();
}

async function onnxSuite({ jobs }) {
  // It needs npm packages, which set-up installs.
  const { conformance } = await import('../conformance/index.mjs');
  return conformance({ preset: 'native', jobs, list: false });
}

async function types() {
  const files = await projectFiles('*.ts');
  if (files.length === 0) return 'there is no TypeScript';
  // The service worker's global names are not those of a page.
  for (const project of ['tsconfig.json', 'web/demo/sw/tsconfig.json']) {
    const failed = await run(npmBin('tsc'), ['--noEmit', '-p', project]);
    if (failed) return gate(failed);
  }
  return none();
}

async function vitest() {
  if ((await projectFiles('*.test.ts')).length === 0) return 'there are no *.test.ts files';
  const file = join(results, 'vitest.json');
  rmSync(file, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const status = await run(npmBin('vitest'), ['run', ...reporters]);
  return settle(vitestTotals(file), status);
}

async function e2e() {
  const config = 'e2e/playwright.config.ts';
  if (!existsSync(join(root, config))) return `there is no ${config}`;
  const file = join(results, 'playwright.json');
  rmSync(file, { force: true });
  const status = await run(npmBin('playwright'), ['test', '-c', config, '--reporter=list,json'], {
    env: { PLAYWRIGHT_JSON_OUTPUT_FILE: file, PLAYWRIGHT_JSON_OUTPUT_NAME: file },
  });
  return settle(playwrightTotals(file), status);
}
