// Brings a fresh machine to the point where the project builds: `await setup()`, or run this file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { installEmscripten } from './emscripten.mjs';
import { readEnvironment, writeEnvironment, writeToolchain } from './environment.mjs';
import { exec } from './exec.mjs';
import { withLock } from './lock.mjs';
import { relaxedFlags } from './node-flags.mjs';
import { installNodeModules, nodeModulesFresh } from './npm.mjs';
import { cacheDir, logFile, pins } from './paths.mjs';
import { once, unpackPackages, unpackSource } from './private-apt.mjs';
import { SetupError, say, step } from './report.mjs';
import { installSystemPackages, missingPackages } from './system-packages.mjs';

const MIN_NODE = 20;

/** Installs what is missing and returns the environment description (see environment.mjs). */
export async function setup() {
  const ready = readEnvironment();
  if (ready && missingPackages().length === 0 && nodeModulesFresh()) {
    writeToolchain(ready);
    return ready;
  }
  if (Number(process.versions.node.split('.')[0]) < MIN_NODE) {
    throw new SetupError(
      `Node ${process.versions.node} is too old. Install Node ${MIN_NODE} or newer.`,
    );
  }
  return withLock(async () => {
    await installSystemPackages();
    const env = readEnvironment() ?? (await fillCache());
    writeToolchain(env);
    await installNodeModules();
    say('ready');
    return env;
  });
}

async function fillCache() {
  mkdirSync(cacheDir, { recursive: true });
  const headers = await once('headers', (stage) =>
    step(`headers: ${Object.keys(pins.private).join(' ')}`, () =>
      unpackPackages(pins.private, stage, ['./usr/share*', './usr/lib*']),
    ),
  );
  const sources = {};
  for (const [name, version] of Object.entries(pins.sources)) {
    sources[name] = await once(name, (stage) =>
      step(`source of ${name} ${version}`, () => unpackSource(name, version, stage)),
    );
  }
  const emscripten = await installEmscripten();
  await checkCompiler(emscripten.root);
  return writeEnvironment({ emscripten, headers, ...sources });
}

/** Compiles and runs a threaded SIMD program, so that a broken toolchain shows here and not later. */
async function checkCompiler(emscripten) {
  await step('trying the compiler', async () => {
    const folder = join(cacheDir, 'check');
    mkdirSync(folder, { recursive: true });
    const source = join(folder, 'check.cpp');
    const output = join(folder, 'check.cjs');
    writeFileSync(source, CHECK);
    const flags = ['-O1', '-msimd128', '-mrelaxed-simd', '-pthread', '-sEXIT_RUNTIME=1'];
    await exec(join(emscripten, 'em++'), [...flags, source, '-o', output]).catch((error) => {
      throw new SetupError(
        `emcc does not compile. Type: rm -rf ${cacheDir} and run setup again (${error.message})`,
      );
    });
    const out = await exec(process.execPath, [...relaxedFlags, output]);
    if (!out.includes('sum 24')) throw new SetupError(`emcc makes wrong code: see ${logFile}`);
  });
}

const CHECK = `#include <wasm_simd128.h>
#include <cstdio>
#include <thread>
int main() {
  float out[4];
  std::thread worker([&] {
    const v128_t two = wasm_f32x4_splat(2.0f);
    wasm_v128_store(out, wasm_f32x4_relaxed_madd(two, two, two));
  });
  worker.join();
  std::printf("sum %d\\n", static_cast<int>(out[0] + out[1] + out[2] + out[3]));
}
`;

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await setup();
  } catch (error) {
    console.error(
      `setup failed: ${error instanceof SetupError ? error.message : `${error.message} (log: ${logFile})`}`,
    );
    process.exitCode = 1;
  }
}
