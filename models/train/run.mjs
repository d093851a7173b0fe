// npm run train: trains the models of models/ anew (minutes).
//   npm run train -- glyphs            this model only
//   npm run train -- denoise --photos FOLDER   measured with these photos as well
//   npm run train -- --smoke           a few steps into build/train_smoke, then loads the files
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { main, must, npmBin } from '../../tools/process.mjs';
import { root } from '../../tools/setup/paths.mjs';
import { PYTHON, trainingPackages } from './packages.mjs';

const MODELS = ['glyphs', 'denoise'];
const SMOKE_STEPS = 12;
const precisions = ['fp32', 'fp16', 'int8'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    smoke: { type: 'boolean', default: false },
    steps: { type: 'string' },
    photos: { type: 'string' },
  },
});

const library = join(resolve(root, process.env.SARDONYX_DIST ?? 'dist'), 'index.mjs');

await main('training', async () => {
  const unknown = positionals.filter((name) => !MODELS.includes(name));
  if (unknown.length > 0) {
    throw new Error(`no model ${unknown.join(', ')}; there are ${MODELS.join(', ')}`);
  }
  if (!existsSync(library)) {
    throw new Error('missing: dist/, which loads the trained files. Type: npm run build');
  }
  const fonts = await trainingPackages();
  const target = join(root, values.smoke ? 'build/train_smoke' : 'models');
  for (const name of positionals.length > 0 ? positionals : MODELS) {
    const folder = join(target, name);
    const steps = values.steps ?? (values.smoke ? String(SMOKE_STEPS) : undefined);
    const script = join(root, 'models/train', `${name}.py`);
    await must(PYTHON, [
      ...[script, fonts, folder],
      ...(steps ? ['--steps', steps] : []),
      ...(values.smoke ? ['--smoke'] : []),
      ...(values.photos ? ['--photos', resolve(values.photos)] : []),
    ]);
    const manifest = join(folder, `${name}.sardonyx.json`);
    await must(npmBin('prettier'), [
      '--log-level',
      'warn',
      '--ignore-path',
      '',
      '--write',
      manifest,
    ]);
    await checkFiles(folder, JSON.parse(readFileSync(manifest, 'utf8')));
  }
});

/** Loads each file with the built library and asks for the manifest's known answers. */
async function checkFiles(folder, manifest) {
  const { load, Tensor } = await import(pathToFileURL(library).href);
  for (const precision of precisions) {
    const { url } = manifest.variants.find((variant) => variant.name === precision);
    const session = await load(readFileSync(join(folder, url)));
    for (const { inputs, outputs, tolerance } of manifest.knownAnswers) {
      const [[input, feed]] = Object.entries(inputs);
      const [[output, expected]] = Object.entries(outputs);
      const x = new Tensor('float32', floats(feed), feed.shape);
      const { data } = (await session.run({ [input]: x }))[output];
      const off = floats(expected).reduce((most, v, i) => Math.max(most, Math.abs(v - data[i])), 0);
      console.log(`${url}: off by ${off.toExponential(1)}, allowed ${tolerance[precision]}`);
      if (!(off <= tolerance[precision])) throw new Error(`${url} gives another answer here`);
    }
    await session.dispose();
  }
}

function floats({ base64 }) {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer);
}
