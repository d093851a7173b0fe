// npm run conformance: ONNX's backend tests on the native build and on the wasm build.
//   --only native|wasm    one of the two
//   --filter TEXT         only tests whose "group/name" contains TEXT; the list is not compared
//   --write               writes docs/operators.md and docs/operators.json, and takes tests that pass
//                         off the list of known failures
//   --preset P            of the native build: native (with sanitizers) or native-release
//   -j N                  parallel jobs
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { main } from '../process.mjs';
import { compare, readKnown, strike, unneeded } from './known.mjs';
import { runNative } from './native.mjs';
import { page, report } from './page.mjs';
import { pageFile, resultsFile, sharedFolder, SUITES } from './paths.mjs';
import { runWasm } from './wasm.mjs';

const WRITE = '`npm run conformance -- --write`';

const asMap = (results) => new Map(results.map(({ id, failure }) => [id, failure]));

function printTotals(label, results) {
  const passed = [...results.values()].filter((failure) => failure === '').length;
  console.log(`${label}: ${passed} of ${results.size} passed`);
}

function printFailures(results) {
  for (const [id, failure] of results) if (failure) console.log(`FAIL ${id}  ${failure}`);
}

function printOperators({ operators }) {
  for (const { name, passed, tests } of operators) {
    if (passed < tests) console.log(`  ${name}: ${passed} of ${tests}`);
  }
}

/** Whether the committed pages are what the results make. */
async function checkPages(made, write) {
  const files = {
    [pageFile]: await page(made),
    [resultsFile]: `${JSON.stringify(made, null, 1)}\n`,
  };
  const stale = [];
  for (const [file, text] of Object.entries(files)) {
    if (write) writeFileSync(file, text);
    else if (readFileSync(file, 'utf8') !== text) stale.push(`${file} is out of date`);
  }
  return stale.map((line) => `${line}: ${WRITE} makes it anew`);
}

async function runBuilds({ only, filter, jobs, preset, list }, shared) {
  const builds = [];
  const suites = {};
  if (only !== 'wasm') {
    const native = new Map(Object.entries(await runNative({ preset, filter, jobs })));
    if (list && only === 'native') printFailures(native);
    printTotals(`native, ${preset}`, native);
    builds.push(native);
  }
  if (only !== 'native') {
    for (const [folder, name] of Object.entries(SUITES)) {
      suites[name] = await runWasm(join(shared, folder), { jobs, filter });
      const results = asMap(suites[name]);
      if (list) printFailures(results);
      printTotals(`wasm, ${folder}`, results);
    }
    builds.push(asMap(Object.values(suites).flat()));
  }
  return { builds, suites };
}

/** {passed, failed} or a text that says why there is nothing to run. */
export async function conformance(options) {
  const { only, filter = '', write = false, list = true } = options;
  const shared = sharedFolder();
  if (!shared) return '../shared/onnx-node is not there (SARDONYX_SHARED)';
  const { builds, suites } = await runBuilds({ ...options, filter, list }, shared);
  const passed = builds.flatMap((results) => [...results.values()]).filter((failure) => !failure);
  const problems = new Set();
  if (filter === '') {
    const known = readKnown();
    if (only === undefined) {
      const idle = unneeded(builds, known);
      if (write) await strike(idle, known);
      else for (const test of idle) problems.add(`${test} passes: ${WRITE} takes it off the list`);
    }
    for (const line of builds.flatMap((results) => compare(results, known))) problems.add(line);
    if (only !== 'native') {
      const made = report(suites, known);
      if (list) printOperators(made);
      for (const line of await checkPages(made, write)) problems.add(line);
    }
  }
  for (const line of problems) console.error(line);
  return { passed: passed.length, failed: problems.size, skipped: 0 };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main('npm run conformance', async () => {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        filter: { type: 'string', default: '' },
        write: { type: 'boolean', default: false },
        preset: { type: 'string', default: 'native' },
        jobs: { type: 'string', short: 'j', default: String(availableParallelism()) },
      },
    });
    const outcome = await conformance({ ...values, jobs: Number(values.jobs) });
    if (typeof outcome === 'string') throw new Error(outcome);
    if (outcome.failed > 0) process.exitCode = 1;
  });
}
