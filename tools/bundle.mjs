// dist/: the two wasm modules, worker.js, index.mjs, manifest.mjs, remote.mjs, ort.mjs, quantize.mjs, sardonyx.js, cli.mjs and the
// type declarations.
//   node tools/bundle.mjs [--no-types] [--out=dist]
// SARDONYX_WASM_DIRS=<simd dir>,<relaxed dir> takes the modules from elsewhere.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';
import { brotliCompressSync } from 'node:zlib';
import { build, transform } from 'esbuild';
import { libraryBeside } from './library_beside.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = process.argv.find((argument) => argument.startsWith('--out='));
const target = out ? resolve(out.slice(6)) : join(root, 'dist');
// Written beside it first, so that a failure leaves the old one in place.
const dist = `${target}.${process.pid}`;
const [simd, relaxed] = (
  process.env.SARDONYX_WASM_DIRS ?? 'build/wasm/c_api,build/wasm-relaxed/c_api'
).split(',');
const directories = { simd: resolve(root, simd), relaxed: resolve(root, relaxed) };

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  target: 'es2022',
  // "sideEffects" in package.json is about dist/.
  ignoreAnnotations: true,
  write: false,
  logLevel: 'warning',
  legalComments: 'none',
  define: { SARDONYX_VERSION: JSON.stringify(version) },
};

// Emscripten's factory function. Its tail exports it and starts it in pool threads, which is
// worker/entry.ts's to do.
function readGlue() {
  const texts = Object.values(directories).map((directory) => {
    const file = join(directory, 'sardonyx.js');
    if (!existsSync(file)) {
      throw new Error(`missing: ${file}. Type: npm run build`);
    }
    return readFileSync(file, 'utf8');
  });
  if (texts[0] !== texts[1]) {
    throw new Error('the glue of the two wasm modules differs; worker.js can hold one only');
  }
  const match = /^\s*var (\w+) = \(\(\) => \{[\s\S]*?\n\}\)\(\);?\n/.exec(texts[0]);
  if (!match) throw new Error('the glue of the wasm module has an unknown form');
  return `${match[0]}\nvar sardonyxGlue = ${match[1]};`;
}

async function bundle(entry, options) {
  const result = await build({ ...common, entryPoints: [entry], ...options });
  return result.outputFiles[0].text;
}

async function bundleWorker() {
  // Nothing in it is imported for its side effects, and what is unused of a library goes.
  const service = await bundle('worker/entry.ts', { format: 'iife', ignoreAnnotations: false });
  // One function around both: the page may load this as a script or as a module.
  const { code } = await transform(`(() => {\n${readGlue()}\n${service}\n})();`, {
    minify: true,
    target: 'es2022',
  });
  return code;
}

/** The library, which loads what only manifests or servers need when it meets one. */
const bundleLibrary = (entry) =>
  bundle(entry, {
    format: 'esm',
    plugins: [
      {
        name: 'files beside',
        setup({ onResolve }) {
          const beside = (filter, path) => onResolve({ filter }, () => ({ path, external: true }));
          beside(/\/(validate|calibration_models)\.generated\.js$/, './manifest.mjs');
          beside(/\/remote_route\.js$/, './remote.mjs');
        },
      },
    ],
  });

const bundleQuantize = () =>
  bundle('quantize/index.ts', { format: 'esm', plugins: [libraryBeside(root, './index.mjs')] });

const bundleCli = () =>
  bundle('cli/main.ts', {
    format: 'esm',
    platform: 'node',
    plugins: [
      libraryBeside(root, './index.mjs'),
      libraryBeside(root, './quantize.mjs', 'quantize/index'),
    ],
  });

function emitTypes() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const run = spawnSync(
    process.execPath,
    [tsc, '-p', 'tsconfig.types.json', '--outDir', join(dist, 'types')],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
  if (run.status !== 0) throw new Error('the type declarations could not be written');
  writeFileSync(join(dist, 'types/package.json'), '{ "type": "module" }\n');
}

function write(name, contents) {
  writeFileSync(join(dist, name), contents);
  const bytes = readFileSync(join(dist, name));
  const packed = brotliCompressSync(bytes).length;
  console.log(`${name.padEnd(24)} ${bytes.length} bytes, ${packed} with brotli`);
}

// The old contents go, so they must be a library.
function checkTarget() {
  const holdsOther =
    existsSync(target) && readdirSync(target).length > 0 && !existsSync(join(target, 'worker.js'));
  if (holdsOther) throw new Error(`${target} has other files in it: name another folder`);
}

async function main() {
  checkTarget();
  const worker = await bundleWorker();
  mkdirSync(dist, { recursive: true });
  for (const [name, directory] of Object.entries(directories)) {
    const file = `sardonyx.${name}.wasm`;
    copyFileSync(join(directory, 'sardonyx.wasm'), join(dist, file));
    write(file, readFileSync(join(dist, file)));
  }
  write('worker.js', worker);
  write('webgpu.mjs', await bundle('webgpu/entry.ts', { format: 'esm' }));
  write('index.mjs', await bundleLibrary('web/entry_esm.ts'));
  write('manifest.mjs', await bundle('web/entry_manifest.ts', { format: 'esm' }));
  write('remote.mjs', await bundle('router/remote_route.ts', { format: 'esm' }));
  write('ort.mjs', await bundleLibrary('web/ort/entry_esm.ts'));
  write(
    'sardonyx.js',
    await bundle('web/entry_script.ts', { format: 'iife', globalName: 'sardonyx' }),
  );
  write('quantize.mjs', await bundleQuantize());
  write('cli.mjs', await bundleCli());
  chmodSync(join(dist, 'cli.mjs'), 0o755);
  // worker.js and sardonyx.js are classic scripts, in Node CommonJS.
  writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n');
  if (!process.argv.includes('--no-types')) emitTypes();
  rmSync(target, { recursive: true, force: true });
  renameSync(dist, target);
}

await main().catch((error) => {
  rmSync(dist, { recursive: true, force: true });
  console.error(error.message);
  process.exitCode = 1;
});
