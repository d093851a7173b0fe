// The suite on a wasm module, through the public JavaScript API in Node.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { build as bundle } from 'esbuild';
import { root } from '../setup/paths.mjs';
import { libraryBeside } from '../library_beside.mjs';
import { workFolder } from './paths.mjs';

const SILENCE_MS = 120_000;

async function bundleRunner() {
  mkdirSync(workFolder, { recursive: true });
  const outfile = join(workFolder, 'main.mjs');
  await bundle({
    absWorkingDir: root,
    entryPoints: ['tests/conformance/main.ts'],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    logLevel: 'warning',
    outfile,
    plugins: [libraryBeside(root, pathToFileURL(join(root, 'dist/index.mjs')).href)],
  });
  // The bundle is ESM below a package.json of its own.
  writeFileSync(join(workFolder, 'package.json'), '{ "type": "module" }\n');
  return outfile;
}

/** Starts a share, reports each result, and resolves with the test that never ended, if any. */
function runShare(args, nodeFlags, report) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...nodeFlags, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let open;
    let timer;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS);
    };
    watch();
    createInterface({ input: child.stdout }).on('line', (line) => {
      watch();
      const said = JSON.parse(line);
      if (said.start) open = said.start;
      else {
        report(said);
        open = undefined;
      }
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code !== 0 && open === undefined) reject(new Error('the runner failed to start'));
      else resolve(open && { id: open, failure: `CRASH: ${signal ?? `status ${code}`}` });
    });
  });
}

async function runPart(runner, folder, part, { jobs, filter, nodeFlags }, report) {
  let from = [];
  for (;;) {
    const args = [runner, folder, String(part), String(jobs), '--filter', filter, ...from];
    const lost = await runShare(args, nodeFlags, report);
    if (!lost) return;
    report({ operators: [], dtypes: [], ...lost });
    from = ['--from', lost.id];
  }
}

/** CaseResults (tests/conformance/run_case.ts) of all tests below the folder. */
export async function runWasm(folder, { jobs = 2, filter = '', nodeFlags = [] } = {}) {
  const runner = await bundleRunner();
  const results = [];
  const parts = Array.from({ length: jobs }, (_, part) =>
    runPart(runner, folder, part, { jobs, filter, nodeFlags }, (result) => results.push(result)),
  );
  await Promise.all(parts);
  return results.sort((a, b) => (a.id < b.id ? -1 : 1));
}
