// sardonyx profile: where the time of a run goes, step by step.
import { writeFile } from 'node:fs/promises';
import type { Profile, Session, StepProfile } from '../web/index.js';
import { SardonyxError } from '../web/index.js';
import { optionalText, wholeNumber, type Arguments, type Command } from './command.js';
import { withModel } from './model_file.js';
import { FEEDING, FEEDING_HELP, feedsFor, forced } from './run_request.js';

const RUNS = 20;
// Until V8 has replaced its baseline code.
const WARM_MS = 500;

type Cost = Pick<StepProfile, 'ms' | 'flops' | 'bytes'>;

const rate = (amount: number, ms: number) => (ms > 0 ? amount / ms / 1e6 : 0).toFixed(2);

const row = ({ ms, flops, bytes }: Cost, whole: number, text: string) =>
  [
    ms.toFixed(4).padStart(10),
    `${((100 * ms) / whole).toFixed(1)} %`.padStart(8),
    rate(flops, ms).padStart(8),
    rate(bytes, ms).padStart(8),
    ` ${text}`,
  ].join(' ');

const HEAD = '        ms    share  GFLOP/s     GB/s  ';

function describeStep({ operator, kernel, depth, calls, node, outputs }: StepProfile): string {
  const shapes = outputs.map(({ type, layout, shape }) => {
    const blocked = layout === 'NC4HW4' ? ' NC4HW4' : '';
    return `${type} [${shape.join(', ')}]${blocked}`;
  });
  const times = calls === 1 ? '' : ` × ${Number(calls.toFixed(2))}`;
  return `${'  '.repeat(depth)}${operator} ${kernel}${times}  ${shapes.join(', ')}  ${node}`;
}

// What a step of a body takes is part of what its step takes: the latter is left out.
function byKernel(steps: readonly StepProfile[]): [string, Cost][] {
  const sums = new Map<string, Cost>();
  steps.forEach(({ operator, kernel, depth, ms, flops, bytes }, i) => {
    if ((steps[i + 1]?.depth ?? 0) > depth) return;
    const name = `${operator} ${kernel}`;
    const sum = sums.get(name) ?? { ms: 0, flops: 0, bytes: 0 };
    sums.set(name, { ms: sum.ms + ms, flops: sum.flops + flops, bytes: sum.bytes + bytes });
  });
  return [...sums].sort(([, a], [, b]) => b.ms - a.ms);
}

function table(file: string, profile: Profile): string {
  const { route, runs, ms, overheadMs, flops, steps } = profile;
  const { module, threads } = route;
  const slowest = [...steps].sort((a, b) => b.ms - a.ms);
  return `${file}: ${module}, ${threads} ${threads === 1 ? 'thread' : 'threads'}
${ms.toFixed(3)} ms in the engine, mean of ${runs} runs; ${rate(flops, ms)} GFLOP/s; ${overheadMs.toFixed(4)} ms in no step
${HEAD}step
${slowest.map((step) => `${row(step, ms, describeStep(step))}\n`).join('')}${HEAD}by kernel
${byKernel(steps)
  .map(([name, cost]) => `${row(cost, ms, name)}\n`)
  .join('')}`;
}

async function writeTrace(file: string, profile: Profile): Promise<void> {
  await writeFile(file, JSON.stringify(profile.toTrace())).catch((thrown: unknown) => {
    throw new SardonyxError('INVALID_ARGUMENT', `can not write ${file}: ${String(thrown)}`, {
      field: 'trace',
    });
  });
}

async function report(session: Session, file: string, given: Arguments) {
  const runs = wholeNumber(given, 'runs') ?? RUNS;
  const trace = optionalText(given, 'trace');
  const { feeds } = await feedsFor(session.inputs, given);
  const start = performance.now();
  do await session.run(feeds);
  while (performance.now() - start < WARM_MS);
  const profile = await session.profile(feeds, { runs });
  if (trace !== undefined) await writeTrace(trace, profile);
  return { text: table(file, profile), json: { file, profile } };
}

export const profile: Command = {
  usage:
    'profile FILE [--runs N] [--trace FILE] [--input NAME=FILE …] [--shape NAME=1x3x224x224 …]\n' +
    '             [--threads N] [--module simd|relaxed] [--external NAME=FILE …] [--json]',
  summary: 'Run a model and tell where the time goes, step by step and by kernel',
  help: `  --runs N               measured runs, default ${RUNS}; half a second of runs before warms up
  --trace FILE           writes one run as a trace for ui.perfetto.dev or chrome://tracing
${FEEDING_HELP.options}
  --json                 the same as JSON

Times are means per run. FLOPs and bytes are what a step has to do at least, by its shapes.
${FEEDING_HELP.file}`,
  options: { ...FEEDING, runs: { type: 'string' }, trace: { type: 'string' } },
  run: async (given) =>
    withModel(given, forced(given), (session, file) => report(session, file, given)),
};
