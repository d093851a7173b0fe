// Configures and builds a CMake preset.
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { must } from './process.mjs';
import { root, toolchainFile } from './setup/paths.mjs';

export const presets = ['native', 'native-release', 'wasm', 'wasm-relaxed'];

export const buildDir = (preset) => join(root, 'build', preset);

/** Configures when needed: ninja repeats it when a CMake file changed, a new toolchain starts afresh. */
export async function configure(preset) {
  if (!isConfigured(preset)) await must('cmake', ['--fresh', '--preset', preset, '-Wno-dev']);
}

export async function build(preset, { targets = [], jobs = availableParallelism() } = {}) {
  await configure(preset);
  const target = targets.length > 0 ? ['--target', ...targets] : [];
  await must('cmake', ['--build', '--preset', preset, '-j', String(jobs), ...target]);
}

function isConfigured(preset) {
  const folder = buildDir(preset);
  if (!existsSync(join(folder, 'build.ninja'))) return false;
  const used = join(folder, 'toolchain.used');
  return existsSync(used) && readFileSync(used).equals(readFileSync(toolchainFile));
}
