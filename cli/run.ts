// sardonyx run: a model on given or random inputs, what comes out, and how long it takes.
import type { LoadOptions, Session, Value, ValueInfo } from '../web/index.js';
import { SardonyxError, Tensor } from '../web/index.js';
import { MAX_THREADS } from '../router/check_filter.js';
import { assignments, UsageError, wholeNumber, type Arguments, type Command } from './command.js';
import { feedFromFile, parseShape, randomFeed } from './feed.js';
import { EXTERNAL, EXTERNAL_HELP, withModel } from './model_file.js';
import { median, summarize, type Summary } from './statistics.js';

type Named = Record<string, Value>;

function forced(given: Arguments): NonNullable<LoadOptions['force']> {
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

function checkNames(inputs: readonly ValueInfo[], names: Iterable<string>): void {
  for (const name of names) {
    if (inputs.some((info) => info.name === name)) continue;
    const known = inputs.map((info) => info.name).join(', ');
    throw new SardonyxError('INPUT_UNKNOWN', `the model has no input ${name}, only ${known}`, {
      tensor: name,
    });
  }
}

async function makeFeeds(
  inputs: readonly ValueInfo[],
  files: ReadonlyMap<string, string>,
  shapes: ReadonlyMap<string, number[]>,
): Promise<Named> {
  const feeds: Named = {};
  for (const info of inputs) {
    const file = files.get(info.name);
    const shape = shapes.get(info.name);
    if (file !== undefined) feeds[info.name] = await feedFromFile(info, file, shape);
    else if (!info.optional || shape) feeds[info.name] = randomFeed(info, shape);
  }
  return feeds;
}

async function time<T>(work: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now();
  const result = await work();
  return [result, performance.now() - start];
}

async function measure(session: Session, feeds: Named, repeat: number) {
  const [results, firstMs] = await time(() => session.run<Value>(feeds));
  const times: number[] = [];
  for (let i = 0; i < repeat; i++) times.push((await time(() => session.run(feeds)))[1]);
  return { results, firstMs, medianMs: median(times) };
}

const shown = (value: number) => String(Number(value.toPrecision(5)));

function form(value: Value): string {
  if (value instanceof Tensor) return `${value.type} [${value.shape.join(', ')}]`;
  return value ? `a sequence of ${value.length}` : 'null';
}

function line(name: string, value: Value): string {
  const head = `  ${name}  ${form(value)}`;
  if (!(value instanceof Tensor)) {
    const lines = (value ?? []).map((tensor, i) => line(`${name}[${i}]`, tensor));
    return `${head}\n${lines.join('')}`;
  }
  const summary = summarize(value);
  if (!summary) return `${head}\n`;
  const { min, max, mean, nan } = summary;
  const range = `min ${shown(min)}, max ${shown(max)}, mean ${shown(mean)}`;
  return `${head}  ${range}${nan > 0 ? `, ${nan} NaN` : ''}\n`;
}

interface Described {
  readonly type?: string;
  readonly shape?: readonly number[];
  readonly tensors?: readonly Described[] | null;
}

function describeValue(value: Value): Described & Partial<Summary> {
  if (!(value instanceof Tensor)) return { tensors: value?.map(describeValue) ?? null };
  return { type: value.type, shape: value.shape, ...summarize(value) };
}

async function report(session: Session, file: string, given: Arguments) {
  const files = assignments(given, 'input');
  const shapes = new Map(
    [...assignments(given, 'shape')].map(([name, text]) => [name, parseShape(text)]),
  );
  checkNames(session.inputs, [...files.keys(), ...shapes.keys()]);
  const repeat = wholeNumber(given, 'repeat') ?? 1;
  const feeds = await makeFeeds(session.inputs, files, shapes);
  const { results, firstMs, medianMs } = await measure(session, feeds, repeat);
  const { module, threads } = session.route;
  const outputs = Object.entries(results);
  const used = Object.entries(feeds).map(([name, value]) => {
    const from = files.get(name) ?? 'random';
    return { name, ...describeValue(value), from };
  });
  const usedLines = Object.entries(feeds).map(
    ([name, value], i) => `  ${name}  ${form(value)}  ${used[i]!.from}\n`,
  );
  const outputLines = outputs.map(([name, value]) => line(name, value));
  return {
    text: `${file}: ${module}, ${threads} ${threads === 1 ? 'thread' : 'threads'}
inputs
${usedLines.join('')}outputs
${outputLines.join('')}first run ${firstMs.toFixed(2)} ms, then median ${medianMs.toFixed(2)} ms of ${repeat}
`,
    json: {
      file,
      module,
      threads,
      inputs: used,
      outputs: outputs.map(([name, value]) => ({ name, ...describeValue(value) })),
      firstMs,
      repeat,
      medianMs,
    },
  };
}

export const run: Command = {
  usage:
    'run FILE [--input NAME=FILE …] [--shape NAME=1x3x224x224 …] [--repeat N] [--threads N]\n' +
    '             [--module simd|relaxed] [--external NAME=FILE …] [--json]',
  summary: 'Run a model and tell shapes, ranges and means of its outputs and the time it takes',
  help: `  --input NAME=FILE      a feed: .pb (TensorProto, SequenceProto or OptionalProto), .npy (NumPy), else
                         the bare elements
  --shape NAME=DIMS      shape of a random or bare feed; where it is not given, 1 for open dims
  --repeat N             timed runs after the first, default 1
  --threads N            at most so many threads
  --module simd|relaxed  this wasm module instead of the one that would be chosen
${EXTERNAL_HELP}
  --json                 the same as JSON

FILE is a path or a URL of an .onnx file. Inputs without a file are random: floats in [0, 1),
integers 0 or 1; those with a default keep it.`,
  options: {
    ...EXTERNAL,
    input: { type: 'string', multiple: true },
    shape: { type: 'string', multiple: true },
    repeat: { type: 'string' },
    threads: { type: 'string' },
    module: { type: 'string' },
  },
  run: async (given) =>
    withModel(given, forced(given), (session, file) => report(session, file, given)),
};
