// Calibration data in a folder: each folder in it is a sample, or the folder itself is one.
import { readdir } from 'node:fs/promises';
import { extname, join, parse } from 'node:path';
import type { Sample } from '../../quantize/index.js';
import { SardonyxError, type Value, type ValueInfo } from '../../web/index.js';
import { seededNumbers } from '../../web/demo/seeded_numbers.js';
import { feedFromFile } from '../feed.js';
import { checkNames, makeFeeds } from '../run_request.js';

/** What holds an input; other files may lie beside them, and outputs as ONNX's test data have them. */
export const EXTENSIONS: readonly string[] = ['.pb', '.npy'];

const wrong = (message: string, field: string) =>
  new SardonyxError('INVALID_ARGUMENT', message, { field });

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (thrown) {
    throw wrong(`can not read ${folder}: ${String(thrown)}`, 'calibrate');
  }
}

/** Files that hold inputs, by their names without extension. */
async function inputFiles(folder: string): Promise<Map<string, string>> {
  const files = (await entriesOf(folder)).filter((entry) => !entry.isDirectory());
  const found = new Map<string, string>();
  for (const { name } of files) {
    const base = parse(name).name;
    if (extname(name).toLowerCase() === '.npz') {
      const message = `${join(folder, name)}: .npz files are not read; save each array as NAME.npy`;
      throw wrong(message, 'calibrate');
    }
    if (!EXTENSIONS.includes(extname(name).toLowerCase()) || /^output_\d+$/.test(base)) continue;
    const file = join(folder, name);
    const other = found.get(base);
    if (other !== undefined) throw wrong(`${other} and ${file} are for one input`, 'calibrate');
    found.set(base, file);
  }
  if (found.size > 0) return found;
  throw wrong(`${folder} has no inputs: neither NAME.npy nor NAME.pb`, 'calibrate');
}

const RANDOM_SAMPLES = 10;

/** Random numbers; open dims are those of `shapes`, else 1. */
export function shapedSamples(shapes: ReadonlyMap<string, number[]>): Sample[] {
  return Array.from({ length: RANDOM_SAMPLES }, (_, i) => ({
    name: `random sample ${i}`,
    feeds: (inputs) => {
      checkNames(inputs, shapes.keys());
      return makeFeeds(inputs, new Map(), shapes, seededNumbers(1 + i));
    },
  }));
}

/** Inputs are NAME.npy, NAME.pb, or input_0.pb and so on in the order of the model. */
export async function samplesOf(folder: string): Promise<Sample[]> {
  const folders = (await entriesOf(folder)).filter((entry) => entry.isDirectory());
  const names = folders.map(({ name }) => join(folder, name)).sort();
  const samples: Sample[] = [];
  for (const name of names.length > 0 ? names : [folder]) {
    samples.push(sampleOf(name, await inputFiles(name)));
  }
  return samples;
}

function sampleOf(folder: string, found: ReadonlyMap<string, string>): Sample {
  const files: Record<string, string> = {};
  return {
    name: folder,
    files,
    feeds: async (inputs) => {
      const places = new Map(inputs.map(({ name }, i) => [`input_${i}`, name]));
      for (const [base, file] of found) {
        const name = inputs.some((info) => info.name === base) ? base : places.get(base);
        if (name !== undefined) files[name] = file;
        else throw unknown(file, base, inputs);
      }
      return readFeeds(inputs, files);
    },
  };
}

const unknown = (file: string, name: string, inputs: readonly ValueInfo[]) =>
  new SardonyxError(
    'INPUT_UNKNOWN',
    `${file}: the model has no input ${name}, only ${inputs.map((info) => info.name).join(', ')}`,
    { tensor: name },
  );

async function readFeed(info: ValueInfo, file: string): Promise<Value> {
  try {
    return await feedFromFile(info, file, undefined);
  } catch (thrown) {
    if (!(thrown instanceof SardonyxError)) throw thrown;
    const where = { ...thrown.where, field: 'calibrate', tensor: info.name };
    throw new SardonyxError(thrown.code, thrown.message, where);
  }
}

async function readFeeds(
  inputs: readonly ValueInfo[],
  files: Readonly<Record<string, string>>,
): Promise<Record<string, Value>> {
  const feeds: Record<string, Value> = {};
  for (const info of inputs) {
    const file = files[info.name];
    if (file !== undefined) feeds[info.name] = await readFeed(info, file);
    else if (!info.optional) {
      const where = { tensor: info.name };
      const message = `there is no file for input ${info.name}`;
      throw new SardonyxError('INPUT_MISSING', message, where);
    }
  }
  return feeds;
}
