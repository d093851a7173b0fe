// Configures and builds a CMake preset.
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { must } from './process.mjs';
import { root, toolchainFile } from './setup/paths.mjs';

export const presets = ['native', 'native-release', 'wasm', 'wasm-relaxed'];

export const buildDir = (folder) => join(root, 'build', folder);

/**
 * Configures when needed: ninja repeats it when a CMake file changed, a new toolchain starts afresh.
 * `folder` of build/ is the preset's unless given, `variables` are set in its CMake cache.
 */
export async function configure(preset, { folder = preset, variables = {} } = {}) {
  const given = Object.entries(variables).map(([name, value]) => `-D${name}=${value}`);
  const fresh = isConfigured(folder) ? [] : ['--fresh'];
  if (fresh.length + given.length === 0) return;
  await must('cmake', [...fresh, '--preset', preset, '-B', buildDir(folder), '-Wno-dev', ...given]);
}

export async function build(preset, options = {}) {
  const { targets = [], jobs = availableParallelism(), folder = preset } = options;
  await configure(preset, options);
  const target = targets.length > 0 ? ['--target', ...targets] : [];
  await must('cmake', ['--build', buildDir(folder), '-j', String(jobs), ...target]);
}

function isConfigured(name) {
  const folder = buildDir(name);
  if (!existsSync(join(folder, 'build.ninja'))) return false;
  const used = join(folder, 'toolchain.used');
  return existsSync(used) && readFileSync(used).equals(readFileSync(toolchainFile));
}
