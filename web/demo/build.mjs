// Builds the demo into build/demo: the page's own code, the library as it is published, the model.
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { demoModel } from '../../tools/onnx/make_demo_model.mjs';
import { root } from '../../tools/setup/paths.mjs';

const source = join(root, 'web/demo');
const output = join(root, 'build/demo');
/** Models the page can use when they are there; tools/server.mjs serves the shared ones. */
const wanted = ['ultraface_rfb320.onnx'];
const library = process.env.SARDONYX_DIST ?? join(root, 'dist');

/** The page imports the library as a user's page does: by URL, not bundled. */
const publishedLibrary = {
  name: 'published-library',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/index(\.js|\.ts)?$/ }, () => ({
      path: './sardonyx/index.mjs',
      external: true,
    }));
  },
};

rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
for (const file of ['index.html', 'style.css', 'icon.svg'])
  cpSync(join(source, file), join(output, file));
cpSync(library, join(output, 'sardonyx'), {
  recursive: true,
  filter: (path) => path !== join(library, 'types'),
});
writeFileSync(join(output, 'demo.onnx'), demoModel());
await build({
  entryPoints: { demo: join(source, 'main.ts') },
  outdir: output,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  plugins: [publishedLibrary],
});

const places = {};
for (const name of wanted) {
  if (existsSync(join(root, 'models', name))) {
    cpSync(join(root, 'models', name), join(output, 'models', name));
    places[name] = `models/${name}`;
  } else if (existsSync(join(root, '../shared/models', name))) {
    places[name] = `/shared-models/${name}`;
  }
}
writeFileSync(join(output, 'models.json'), JSON.stringify(places));
