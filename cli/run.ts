// sardonyx run: a model on given or random inputs, what comes out, and how long it takes.
import type { Session, Value } from '../web/index.js';
import { Tensor } from '../web/index.js';
import { wholeNumber, type Arguments, type Command } from './command.js';
import { withModel } from './model_file.js';
import { FEEDING, FEEDING_HELP, feedsFor, forced, type Named } from './run_request.js';
import { median, summarize, type Summary } from './statistics.js';

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
  const repeat = wholeNumber(given, 'repeat') ?? 1;
  const { feeds, files } = await feedsFor(session.inputs, given);
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
  help: `${FEEDING_HELP.options}
  --repeat N             timed runs after the first, default 1
  --json                 the same as JSON

${FEEDING_HELP.file}`,
  options: { ...FEEDING, repeat: { type: 'string' } },
  run: async (given) =>
    withModel(given, forced(given), (session, file) => report(session, file, given)),
};
