// Whether a route gives the answers that the manifest knows.
import { Failure } from '../worker/failure.js';
import type { WireTensor } from '../worker/protocol.js';
import {
  type EncodedTensor,
  type KnownAnswer,
  type Manifest,
  toleranceOf,
  type Variant,
} from '../manifest/parse.js';
import { LIMITS } from './limits.js';
import { decodeTensor, differenceOf, toNumbers } from './numbers.js';
import type { Feed, Route } from './route.js';
import { Watchdog } from './watchdog.js';

// What is asked of a server, which does not say which variant it has.
export function remoteVariant({ variants }: Manifest): Variant {
  const exactness = ['int4', 'int8', 'fp16', 'fp32'];
  const rank = ({ precision }: Variant) => exactness.indexOf(precision);
  const [loosest] = [...variants].sort((a, b) => rank(a) - rank(b));
  return { ...loosest!, name: 'remote' };
}

type Side = 'inputs' | 'outputs';

// MANIFEST_INVALID when the model is not the one described, SELFTEST_FAILED for a wrong answer, ENGINE_HUNG
// for one that does not come in time, and what a run rejects with. `onAnswer` is called with the number of answers given.
export async function selfTest(
  route: Route,
  manifest: Manifest,
  variant: Variant,
  onAnswer: (done: number, total: number) => void = () => undefined,
): Promise<void> {
  checkInterface(route, manifest, variant);
  const answers = manifest.knownAnswers ?? [];
  for (const [done, answer] of answers.entries()) {
    onAnswer(done, answers.length);
    await checkAnswer(route, answer, variant);
  }
  onAnswer(answers.length, answers.length);
}

// The manifest speaks of the values that the model has.
function checkInterface({ model }: Route, manifest: Manifest, variant: Variant): void {
  for (const side of ['inputs', 'outputs'] as Side[]) {
    manifest[side].forEach(({ name, dtype }, i) => {
      const type = model[side].find((value) => value.name === name)?.type;
      if (type === dtype) return;
      const field = `${side}[${i}]`;
      const fact = type ? `is ${type} in the model` : 'is not in the model';
      const message = `${field}: ${name} (${dtype}) ${fact}, variant ${variant.name}`;
      throw new Failure('MANIFEST_INVALID', message, { field });
    });
  }
}

async function checkAnswer(route: Route, answer: KnownAnswer, variant: Variant): Promise<void> {
  const { inputs, outputs } = route.model;
  const feeds = Object.entries(answer.inputs).map(([name, { dtype, shape, ...encoded }]): Feed => ({
    input: inputs.findIndex((value) => value.name === name),
    type: dtype,
    shape,
    data: decodeTensor({ dtype, shape, ...encoded }),
    owned: true,
  }));
  const wanted = Object.keys(answer.outputs);
  const indices = wanted.map((name) => outputs.findIndex((value) => value.name === name));
  const running = route.run(feeds, indices);
  // A server has a limit of its own.
  const local = route.placement.device !== 'remote';
  const results = await (local ? inTime(running, answer, variant) : running);
  wanted.forEach((name, i) => {
    const result = results?.find(({ output }) => output === indices[i]);
    const problem = compare(result, answer.outputs[name]!, toleranceOf(answer, variant));
    if (!problem) return;
    const message = `known answer "${answer.title}" of variant ${variant.name}: ${name} ${problem}`;
    throw new Failure('SELFTEST_FAILED', message, { tensor: name });
  });
}

async function inTime<T>(
  running: Promise<T>,
  { title }: KnownAnswer,
  { name }: Variant,
): Promise<T> {
  const watchdog = new Watchdog();
  const late = new Promise<never>((_, reject) => {
    const seconds = LIMITS.selfTestMs / 1000;
    const message = `known answer "${title}" of variant ${name} did not come in ${seconds} s`;
    watchdog.watch(LIMITS.selfTestMs, () => reject(new Failure('ENGINE_HUNG', message)));
  });
  return Promise.race([running, late]).finally(() => watchdog.stop());
}

// What is wrong; undefined when nothing is.
function compare(
  result: WireTensor | undefined,
  encoded: EncodedTensor,
  tolerance: number,
): string | undefined {
  if (!result) return 'was not computed';
  const form = `${encoded.dtype} [${encoded.shape.join(', ')}]`;
  const found = `${result.type} [${result.shape.join(', ')}]`;
  if (found !== form) return `is ${found}, not ${form}`;
  const values = toNumbers(result.type, result.data);
  const expected = toNumbers(encoded.dtype, decodeTensor(encoded));
  const worst = differenceOf(values, expected).maxAbs;
  return worst <= tolerance ? undefined : `is off by ${worst}, allowed is ${tolerance}`;
}
