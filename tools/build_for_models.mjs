// The library with wasm modules that have only the operators of some models.
import { existsSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { build, buildDir } from './cmake.mjs';
import { must, output } from './process.mjs';
import { root } from './setup/paths.mjs';

// By the names that dist/ has for them. The folders in build/ are none of the presets'.
const MODULES = [
  { preset: 'wasm', folder: 'custom-simd' },
  { preset: 'wasm-relaxed', folder: 'custom-relaxed' },
];

/** `out` is relative to the repository. */
export async function buildForModels(models, out = 'dist-custom') {
  const files = models.map((model) => resolve(model));
  for (const file of files) {
    if (!existsSync(file) || !statSync(file).isFile()) throw new Error(`there is no file ${file}`);
  }
  const { operators, functions } = await symbolsOf(files);
  console.log(`${operators.length} operators: ${operators.join(' ')}`);
  console.log(`${functions.length} functions: ${functions.join(' ')}`);
  const variables = {
    SARDONYX_OPERATORS: operators.join(';'),
    SARDONYX_FUNCTIONS: functions.join(';'),
  };
  for (const { preset, folder } of MODULES) {
    await build(preset, { folder, variables, targets: ['sardonyx_modules'] });
  }
  const target = resolve(root, out);
  await must(process.execPath, ['tools/bundle.mjs', `--out=${target}`], {
    env: {
      SARDONYX_WASM_DIRS: MODULES.map(({ folder }) => join(buildDir(folder), 'c_api')).join(','),
    },
  });
  console.log(`for these models only: ${relative(root, target) || target}`);
}

/** What the models ask of a module, by the symbols of operators.def and functions.def. */
async function symbolsOf(files) {
  await build('native-release', { targets: ['model_operators'] });
  const program = join(buildDir('native-release'), 'tools/native/model_operators');
  const listed = await output(program, files).catch(() => {
    throw new Error('the engine does not take this model');
  });
  return JSON.parse(listed);
}
