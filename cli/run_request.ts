// The options of commands that run a model: with which module and threads, on which feeds.
import type { LoadOptions, Value, ValueInfo } from '../web/index.js';
import { SardonyxError } from '../web/index.js';
import { MAX_THREADS } from '../router/check_filter.js';
import { assignments, UsageError, wholeNumber, type Arguments, type Options } from './command.js';
import { feedFromFile, parseShape, randomFeed } from './feed.js';
import { EXTERNAL, EXTERNAL_HELP } from './model_file.js';

export type Named = Record<string, Value>;

export const FEEDING: Options = {
  ...EXTERNAL,
  input: { type: 'string', multiple: true },
  shape: { type: 'string', multiple: true },
  threads: { type: 'string' },
  module: { type: 'string' },
};

export const FEEDING_HELP = {
  options: `  --input NAME=FILE      a feed: .pb (TensorProto, SequenceProto or OptionalProto), .npy (NumPy), else
                         the bare elements
  --shape NAME=DIMS      shape of a random or bare feed; where it is not given, 1 for open dims
  --threads N            at most so many threads
  --module simd|relaxed  this wasm module instead of the one that would be chosen
${EXTERNAL_HELP}`,
  file: `FILE is a path or a URL of an .onnx file. Inputs without a file are random: floats in [0, 1),
integers 0 or 1; those with a default keep it.`,
};

export function forced(given: Arguments): NonNullable<LoadOptions['force']> {
  const { module } = given.values;
  if (module !== undefined && module !== 'simd' && module !== 'relaxed') {
    throw new UsageError(`--module is simd or relaxed, not ${String(module)}`);
  }
  const threads = wholeNumber(given, 'threads');
  if (threads !== undefined && threads > MAX_THREADS) {
    throw new UsageError(`--threads is at most ${MAX_THREADS}`);
  }
  return { ...(module && { module }), ...(threads && { threads }) };
}

export const shapesOf = (given: Arguments): Map<string, number[]> =>
  new Map([...assignments(given, 'shape')].map(([name, text]) => [name, parseShape(text)]));

export function checkNames(inputs: readonly ValueInfo[], names: Iterable<string>): void {
  for (const name of names) {
    if (inputs.some((info) => info.name === name)) continue;
    const known = inputs.map((info) => info.name).join(', ');
    throw new SardonyxError('INPUT_UNKNOWN', `the model has no input ${name}, only ${known}`, {
      tensor: name,
    });
  }
}

export async function makeFeeds(
  inputs: readonly ValueInfo[],
  files: ReadonlyMap<string, string>,
  shapes: ReadonlyMap<string, number[]>,
  next: (() => number) | undefined,
): Promise<Named> {
  const feeds: Named = {};
  for (const info of inputs) {
    const file = files.get(info.name);
    const shape = shapes.get(info.name);
    if (file !== undefined) feeds[info.name] = await feedFromFile(info, file, shape);
    else if (!info.optional || shape) {
      feeds[info.name] = randomFeed(info, shape, next);
    }
  }
  return feeds;
}

/**
 * The feeds that the options ask for, and the files that some come from, by input. `next` gives the random numbers, in
 * [0, 1).
 */
export async function feedsFor(
  inputs: readonly ValueInfo[],
  given: Arguments,
  next?: () => number,
) {
  const files = assignments(given, 'input');
  const shapes = shapesOf(given);
  checkNames(inputs, [...files.keys(), ...shapes.keys()]);
  return { feeds: await makeFeeds(inputs, files, shapes, next), files };
}
