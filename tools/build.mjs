// npm run build: both wasm modules, then the JavaScript in dist/, then the demo.
//   npm run build -- --ops-from a.onnx,b.onnx [--out dist-custom]
//     modules with only what these models need, and a library with them in a folder of its own
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from './cmake.mjs';
import { buildForModels } from './build_for_models.mjs';
import { main, must, seconds } from './process.mjs';
import { setup } from './setup/index.mjs';
import { root } from './setup/paths.mjs';

const SCRIPTS = ['tools/bundle.mjs', 'web/demo/build.mjs'];

export async function buildAll(options) {
  for (const preset of ['wasm', 'wasm-relaxed']) {
    await build(preset, { ...options, targets: ['sardonyx_modules'] });
  }
  for (const script of SCRIPTS) {
    if (existsSync(join(root, script))) await must(process.execPath, [script]);
    else console.log(`skipped: there is no ${script}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main('build', async () => {
    const start = Date.now();
    const { values } = parseArgs({
      options: { 'ops-from': { type: 'string' }, out: { type: 'string' } },
    });
    const models = values['ops-from']?.split(',');
    if (values.out !== undefined && !models) throw new Error('--out goes with --ops-from');
    await setup();
    await (models ? buildForModels(models, values.out) : buildAll());
    console.log(`built in ${seconds(start)}`);
  });
}
