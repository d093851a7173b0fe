// The machine's limits, measured in the same browser by a module that is compiled when it is missing.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../tools/process.mjs';
import { root } from '../tools/setup/paths.mjs';
import { callInPage } from './turns.mjs';

const source = join(root, 'bench/peak/peak.c');
export const peakFolder = join(root, 'build/bench/peak');
const wasm = join(peakFolder, 'peak.wasm');
const MEMORY = 136 << 20;

async function compile() {
  if (existsSync(wasm) && statSync(wasm).mtimeMs > statSync(source).mtimeMs) return;
  mkdirSync(peakFolder, { recursive: true });
  await must('clang-19', [
    ...['--target=wasm32', '-O3', '-msimd128', '-mrelaxed-simd', '-std=c17'],
    ...['-ffreestanding', '-nostdlib', '-Wall', '-Wextra', '-Werror'],
    ...['-Wl,--no-entry', `-Wl,--initial-memory=${MEMORY}`, source, '-o', wasm],
  ]);
}

/**
 * {gflops, readGBs, copyGBs} of one core, and in `together` the GB/s that several read, by number of threads. The module
 * is served at /peak/.
 */
export async function measurePeak(browser, base, threads) {
  await compile();
  const call = (name, options) =>
    callInPage(browser, base, '/peak.js', name, { url: '/peak/peak.wasm', ...options });
  const peak = await call('peak');
  const together = { 1: peak.readGBs };
  for (const count of threads.filter((each) => each > 1)) {
    together[count] = await call('readTogether', { threads: count });
  }
  return { ...peak, together };
}
