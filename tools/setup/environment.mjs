// The description of what setup installed: env.json for scripts, build/toolchain.cmake for CMake.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { relaxedFlags } from './node-flags.mjs';
import { ccacheDir, cacheDir, cacheRoot, envFile, toolchainFile } from './paths.mjs';

const writeIfChanged = (path, text) => {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
};

/** The environment a complete earlier setup left, or undefined. */
export function readEnvironment() {
  if (!existsSync(envFile)) return undefined;
  try {
    const env = JSON.parse(readFileSync(envFile, 'utf8'));
    const needed = [join(env.emscripten, 'emcc'), env.headers, env.catch2, env.protobuf];
    return needed.every((path) => existsSync(path)) ? env : undefined;
  } catch {
    return undefined;
  }
}

export function writeEnvironment({ emscripten, headers, catch2, protobuf }) {
  const env = {
    cache: cacheDir,
    ccache: ccacheDir,
    emscripten: emscripten.root,
    emscriptenOrigin: emscripten.origin,
    headers,
    catch2,
    protobuf,
    chromium: '/usr/bin/chromium',
  };
  writeIfChanged(envFile, `${JSON.stringify(env, null, 2)}\n`);
  return env;
}

/** CMake reads this file, so that `cmake --preset wasm` needs no exported variables. */
export function writeToolchain(env) {
  const values = {
    SARDONYX_CACHE_ROOT: cacheRoot,
    SARDONYX_CCACHE_DIR: env.ccache,
    SARDONYX_EMSCRIPTEN_ROOT: env.emscripten,
    SARDONYX_HEADERS: join(env.headers, 'usr/include'),
    SARDONYX_CATCH2_SOURCE: env.catch2,
    SARDONYX_PROTOBUF_SOURCE: env.protobuf,
    SARDONYX_NODE: process.execPath,
    SARDONYX_NODE_RELAXED_FLAGS: relaxedFlags.join(';'),
  };
  const lines = Object.entries(values).map(([key, value]) => `set(${key} "${value}")`);
  writeIfChanged(toolchainFile, `${lines.join('\n')}\n`);
}
