// Emscripten: the one on PATH when it is recent enough, else a private copy of Debian's.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { exec, which } from './exec.mjs';
import { cacheDir, pins } from './paths.mjs';
import { once, unpackPackages } from './private-apt.mjs';
import { say, step } from './report.mjs';

const UNUSED = [
  './usr/share/doc*',
  './usr/share/man*',
  './usr/share/emscripten/test*',
  './usr/share/emscripten/docs*',
  './usr/share/emscripten/cache/sysroot/lib/wasm32-emscripten/pic*',
  './usr/share/emscripten/cache/sysroot/lib/wasm32-emscripten/lto-pic*',
];

/** Returns the folder that holds emcc and cmake/Modules, and where it came from. */
export async function installEmscripten() {
  const own = await emscriptenOnPath();
  if (own) return own;
  const folder = await once('emscripten', (stage) =>
    step(`Emscripten ${pins.emscripten.packages.emscripten} (237 MB)`, () => fill(stage)),
  );
  return { root: join(folder, 'usr/share/emscripten'), origin: 'private' };
}

async function emscriptenOnPath() {
  const emcc = which('emcc');
  if (!emcc) return undefined;
  try {
    const version = (await exec(emcc, ['--version'])).match(/\b(\d+\.\d+\.\d+)\b/)?.[1];
    if (!version || !atLeast(version, pins.emscripten.minimum)) {
      say(`emcc on PATH is ${version}; using a private ${pins.emscripten.packages.emscripten}`);
      return undefined;
    }
    const folder = (await exec('em-config', ['EMSCRIPTEN_ROOT'])).trim();
    say(`using emcc ${version} from PATH (${folder})`);
    return { root: realpathSync(folder), origin: 'path' };
  } catch (error) {
    say(`emcc on PATH does not work (${error.message}); using a private one`);
    return undefined;
  }
}

async function fill(stage) {
  await unpackPackages(pins.emscripten.packages, stage, UNUSED);
  const root = join(stage, 'usr/share/emscripten');
  const npm = Object.entries(pins.emscripten.npm).map(([name, version]) => `${name}@${version}`);
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev'];
  writeFileSync(join(root, 'package.json'), '{"private": true}\n');
  await exec('npm', ['install', ...flags, '--prefix', root, ...npm], { cwd: root });
  writeBinaryenWrappers(stage);
  writeConfig(root, join(cacheDir, 'emscripten'));
}

/** Debian 13's binaryen needs a newer libc than Debian 12 has, so each tool starts through its own loader. */
function writeBinaryenWrappers(stage) {
  const bin = join(stage, 'binaryen/bin');
  mkdirSync(bin, { recursive: true });
  for (const triple of readdirSync(join(stage, 'usr/lib'))) {
    const loader = triple.endsWith('-linux-gnu')
      ? readdirSync(join(stage, 'usr/lib', triple)).find((file) => /^ld-linux/.test(file))
      : undefined;
    if (!loader) continue;
    for (const tool of readdirSync(join(stage, 'usr/bin'))) {
      if (!tool.startsWith('wasm')) continue;
      const home = '"$(dirname "$(readlink -f "$0")")/../../usr"';
      writeScript(
        join(bin, tool),
        `home=${home}\nexec "$home/lib/${triple}/${loader}" --library-path "$home/lib/${triple}" "$home/bin/${tool}" "$@"\n`,
      );
    }
  }
}

/** The config names absolute paths; the compiler entry points use the system's Python and skip the sanity check. */
function writeConfig(root, home) {
  const config = {
    LLVM_ROOT: '/usr/bin',
    LLVM_ADD_VERSION: '19',
    CLANG_ADD_VERSION: '19',
    BINARYEN_ROOT: join(home, 'binaryen'),
    NODE_JS: process.execPath,
  };
  const lines = Object.entries(config).map(([key, value]) => `${key} = '${value}'`);
  writeFileSync(join(root, '.emscripten'), [...lines, 'FROZEN_CACHE = True', ''].join('\n'));
  for (const tool of readdirSync(root)) {
    if (!existsSync(join(root, `${tool}.py`)) || tool === 'emrun') continue;
    writeScript(
      join(root, tool),
      `export EMCC_SKIP_SANITY_CHECK=1\nexec /usr/bin/python3 -E "$0.py" "$@"\n`,
    );
  }
}

function writeScript(path, body) {
  writeFileSync(path, `#!/bin/sh\n${body}`);
  chmodSync(path, 0o755);
}

function atLeast(version, minimum) {
  const [a, b] = [version, minimum].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] > b[i];
  return true;
}
