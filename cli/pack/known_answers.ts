// Known answers of a manifest: what the reference variant says, and how far the others are off.
import type { EncodedTensor, KnownAnswer, Precision } from '../../manifest/parse.js';
import { decodeTensor, differenceOf, toNumbers } from '../../router/numbers.js';
import { seededNumbers } from '../../web/demo/seeded_numbers.js';
import { SardonyxError, Tensor, type Session } from '../../web/index.js';
import { closedShape } from '../../worker/dtypes.js';
import { randomFeed } from '../feed.js';
import type { VariantFile } from './variant_file.js';

type Named = Record<string, Tensor>;

// Of the largest element of an output: what another module or device may round differently.
const ROUNDING: Readonly<Record<Precision, number>> = {
  fp32: 1e-4,
  fp16: 5e-3,
  int8: 2e-2,
  int4: 5e-2,
};
// A measured distance is that of one machine.
const MARGIN = 3;

export interface Measured {
  readonly answers: KnownAnswer[];
  /** Largest distance to the reference by variant. */
  readonly off: Readonly<Record<string, number>>;
}

/** The inputs of earlier answers are used again; where there are none, random ones of `seed`. */
export async function measureAnswers(
  files: readonly VariantFile[],
  reference: VariantFile,
  earlier: readonly KnownAnswer[],
  dims: ReadonlyMap<string, number>,
  seed: number,
): Promise<Measured> {
  const feeds: [string, Named][] =
    earlier.length > 0
      ? earlier.map(({ title, inputs }) => [title, decodeAll(inputs)])
      : [[`random numbers, seed ${seed}`, seeded(reference.session.inputs, dims, seed)]];
  const off: Record<string, number> = {};
  const answers: KnownAnswer[] = [];
  for (const [i, [title, inputs]] of feeds.entries()) {
    const expected = await reference.session.run(inputs);
    const apart = new Map<VariantFile, number>();
    const kept = earlier[i];
    let holds = kept !== undefined;
    for (const file of files) {
      const found = file === reference ? expected : await file.session.run(inputs);
      apart.set(file, distance(file, found, expected));
      holds &&= kept !== undefined && agrees(found, kept, file);
      const { name } = file.variant;
      off[name] = Math.max(off[name] ?? 0, apart.get(file)!);
    }
    answers.push(
      holds
        ? kept!
        : {
            title,
            inputs: encodeAll(inputs),
            outputs: encodeAll(expected),
            tolerance: tolerances(apart, expected),
          },
    );
  }
  return { answers, off };
}

function seeded(inputs: Session['inputs'], dims: ReadonlyMap<string, number>, seed: number): Named {
  const next = seededNumbers(seed);
  const needed = inputs.filter(({ optional }) => !optional);
  return Object.fromEntries(
    needed.map((info) => [info.name, randomFeed(info, closedShape(info.shape, dims), next)]),
  );
}

function distance({ path }: VariantFile, found: Named, expected: Named): number {
  let worst = 0;
  for (const [name, tensor] of Object.entries(expected)) {
    const other = found[name]!;
    const [here, there] = [other.shape.join(', '), tensor.shape.join(', ')];
    if (here !== there) {
      throw new SardonyxError('MODEL_UNSUPPORTED', `${path}: ${name} is [${here}], not [${there}]`);
    }
    worst = Math.max(worst, differenceOf(numbers(other), numbers(tensor)).maxAbs);
  }
  if (worst < Infinity) return worst;
  throw new SardonyxError(
    'VALUE_RANGE',
    `${path} gives NaN or infinity where the reference gives a number`,
  );
}

const numbers = ({ type, data }: Tensor) => toNumbers(type, data);

function agrees(
  found: Named,
  { outputs, tolerance }: KnownAnswer,
  { variant }: VariantFile,
): boolean {
  const allowed = typeof tolerance === 'number' ? tolerance : tolerance[variant.precision];
  return Object.entries(outputs).every(([name, encoded]) => {
    const result = found[name];
    if (!result || allowed === undefined || result.type !== encoded.dtype) return false;
    if (result.shape.join() !== encoded.shape.join()) return false;
    const expected = toNumbers(encoded.dtype, decodeTensor(encoded));
    return differenceOf(numbers(result), expected).maxAbs <= allowed;
  });
}

function tolerances(
  apart: ReadonlyMap<VariantFile, number>,
  expected: Named,
): Partial<Record<Precision, number>> {
  const scale = Math.max(...Object.values(expected).map(largestMagnitude)) || 1;
  const result: Partial<Record<Precision, number>> = {};
  for (const [{ variant }, off] of apart) {
    const { precision } = variant;
    const needed = Math.max(ROUNDING[precision] * scale, MARGIN * off);
    result[precision] = Math.max(result[precision] ?? 0, Number(needed.toPrecision(2)));
  }
  return result;
}

function largestMagnitude(tensor: Tensor): number {
  let largest = 0;
  for (const value of numbers(tensor)) {
    if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  }
  return largest;
}

const mapped = <T, U>(named: Readonly<Record<string, T>>, change: (value: T) => U) =>
  Object.fromEntries(Object.entries(named).map(([name, value]) => [name, change(value)]));

const decodeAll = (named: KnownAnswer['inputs']): Named =>
  mapped(named, (encoded) => new Tensor(encoded.dtype, decodeTensor(encoded), encoded.shape));

const encodeAll = (named: Named): Record<string, EncodedTensor> => mapped(named, encode);

function encode({ type, shape, data }: Tensor): EncodedTensor {
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  return { dtype: type as EncodedTensor['dtype'], shape: [...shape], base64 };
}
