// Builds the demo into build/demo: the page, the library as it is published, the models, the service
// worker. The folder can be put on any static host.
//   node web/demo/build.mjs [--out=build/demo]
// SARDONYX_DIST takes the library from elsewhere.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { root } from '../../tools/setup/paths.mjs';
import { contentHash, precacheList } from './precache_list.mjs';

const source = join(root, 'web/demo');
const out = process.argv.find((argument) => argument.startsWith('--out='));
const output = out ? resolve(out.slice(6)) : join(root, 'build/demo');
const library = process.env.SARDONYX_DIST ?? join(root, 'dist');
const models = join(root, 'models');

/** What of dist/ a page does not load. */
const notForPages = new Set(['types', 'cli.mjs', 'ort.mjs', 'sardonyx.js', 'package.json']);

/** The library in a folder named by its content, so that builds never mix its files. */
function copyLibrary() {
  const copy = join(output, 'sardonyx');
  cpSync(library, copy, {
    recursive: true,
    filter: (path) => !notForPages.has(path.slice(library.length + 1)),
  });
  const name = `sardonyx-${contentHash(copy)}`;
  renameSync(copy, join(output, name));
  return name;
}

/** Those with a manifest. */
function copyModels() {
  for (const name of readdirSync(models)) {
    if (!existsSync(join(models, name, `${name}.sardonyx.json`))) continue;
    for (const file of readdirSync(join(models, name))) {
      if (!/\.(onnx|json)$/.test(file)) continue;
      cpSync(join(models, name, file), join(output, 'models', name, file));
    }
  }
}

/** The page imports the library as a user's page does: by URL, not bundled. */
const publishedLibrary = (folder) => ({
  name: 'published-library',
  setup({ onResolve }) {
    const publish = (filter, file) =>
      onResolve({ filter }, () => ({ path: `./${folder}/${file}`, external: true }));
    publish(/^(\.\.\/)+index$/, 'index.mjs');
    publish(/^(\.\.\/)+webgpu\/entry$/, 'webgpu.mjs');
  },
});

/** Bundles code and styles; gives their names by the kind of file. */
async function bundlePage(libraryFolder) {
  const { metafile } = await build({
    entryPoints: {
      demo: join(source, 'main.ts'),
      lossy_webgpu: join(source, 'lossy_webgpu.ts'),
      style: join(source, 'style/all.css'),
    },
    outdir: output,
    entryNames: '[name]-[hash]',
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    metafile: true,
    loader: { '.svg': 'dataurl' },
    plugins: [publishedLibrary(libraryFolder)],
  });
  const names = Object.keys(metafile.outputs).map((path) => path.split('/').at(-1));
  return {
    code: names.find((n) => n.startsWith('demo-')),
    gpuModule: names.find((n) => n.startsWith('lossy_webgpu-')),
    style: names.find((n) => n.startsWith('style-')),
  };
}

/** The name of this build is in the page, so that a page can say which files it uses. */
function writePage(names) {
  const page = readFileSync(join(source, 'index.html'), 'utf8')
    .replaceAll('{{code}}', names.code)
    .replaceAll('{{gpuModule}}', names.gpuModule)
    .replaceAll('{{style}}', names.style)
    .replaceAll('{{library}}', names.library);
  writeFileSync(join(output, 'index.html'), page);
  const name = contentHash(output);
  writeFileSync(join(output, 'index.html'), page.replaceAll('{{build}}', name));
  return name;
}

async function bundleServiceWorker(name) {
  await build({
    entryPoints: { sw: join(source, 'sw/service_worker.ts') },
    outdir: output,
    bundle: true,
    format: 'iife',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    define: {
      'process.env.NODE_ENV': '"production"',
      PRECACHE: JSON.stringify(precacheList(output)),
      BUILD: JSON.stringify(name),
    },
  });
}

rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
const libraryFolder = copyLibrary();
copyModels();
cpSync(join(source, 'manifest.webmanifest'), join(output, 'manifest.webmanifest'));
cpSync(join(source, 'icons'), join(output, 'icons'), {
  recursive: true,
  filter: (path) => !path.endsWith('.mjs'),
});
const names = await bundlePage(libraryFolder);
await bundleServiceWorker(writePage({ ...names, library: libraryFolder }));
