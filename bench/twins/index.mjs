// Twins of networks that people run: their graphs as exporters write them, with random weights.
//   node bench/twins/index.mjs [NAME …]     writes build/bench/twins/<name>.onnx and <name>.json
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createHash } from 'node:crypto';
import { root } from '../../tools/setup/paths.mjs';
import { write as decoder_layers } from './decoder_layers.mjs';
import { write as efficientnet_lite0 } from './efficientnet_lite0.mjs';
import { write as minilm_l6 } from './minilm_l6.mjs';
import { write as mobilenet_v2 } from './mobilenet_v2.mjs';
import { write as resnet50 } from './resnet50.mjs';
import { write as vit_tiny } from './vit_tiny.mjs';
import { write as whisper_tiny_encoder } from './whisper_tiny_encoder.mjs';

const writers = {
  mobilenet_v2,
  resnet50,
  efficientnet_lite0,
  minilm_l6,
  vit_tiny,
  whisper_tiny_encoder,
  decoder_layers,
};

export const TWINS = Object.keys(writers);

export const twinsFolder = join(root, 'build/bench/twins');
const here = import.meta.dirname;

/** The encoded model and its inputs: {bytes, inputs: [{name, dtype, dims, low, high}]}. */
export const writeTwin = (name) => writers[name]();

/** Changes when any script that writes twins does. */
function version() {
  const hash = createHash('sha256');
  for (const file of readdirSync(here).sort()) hash.update(readFileSync(join(here, file)));
  for (const file of ['../graph_writer.mjs', '../seeded_numbers.mjs'])
    hash.update(readFileSync(join(here, file)));
  return hash.digest('hex').slice(0, 16);
}

const readSpec = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined);

/** Writes the file unless it is there and of this version; gives its path and inputs. */
export function ensureTwin(name, folder = twinsFolder) {
  const path = join(folder, `${name}.onnx`);
  const specPath = join(folder, `${name}.json`);
  const spec = readSpec(specPath);
  if (spec?.version === version() && existsSync(path)) return { path, inputs: spec.inputs };
  const { bytes, inputs } = writeTwin(name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
  writeFileSync(specPath, `${JSON.stringify({ version: version(), inputs }, null, 2)}\n`);
  return { path, inputs };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const names = process.argv.slice(2);
  for (const name of names.length ? names : TWINS) {
    const { path, inputs } = ensureTwin(name);
    console.log(`${path}: ${inputs.map((input) => `${input.name} [${input.dims}]`).join(', ')}`);
  }
}
