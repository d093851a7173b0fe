// How far an output is from the reference.
import { decoderOf } from '../../cli/statistics';
import type { Tensor } from '../../web/index';

/**
 * How an output is compared; each gives a ratio of which at most 1 passes.
 *   close      largest |a − b| over 1e-4 · max|reference| + 1e-3 · |reference|
 *   sigmoid    close, with 2^-23 added: the reference runtime computes sigmoid as 0.5 + r in float32,
 *              so that its results are multiples of 2^-25, and some outputs have none above 5e-4
 *   top5       largest |a − b| over 5e-2 · max|reference|; the five largest at the same places
 *   peak       largest |a − b| over 1e-2 · max|reference|
 *   direction  cosine of at least 0.99
 *   picture    PSNR of at least 40 dB
 */
export type Measure = 'close' | 'sigmoid' | 'peak' | 'top5' | 'direction' | 'picture';

export interface Difference {
  readonly output: string;
  readonly ratio: number;
  readonly at: number;
  readonly got: number;
  readonly wanted: number;
}

/** The elements as JavaScript's numbers. */
export function numbers({ type, data }: Tensor): number[] {
  const decode = decoderOf(type);
  if (!decode) throw new Error(`no numbers of ${type}`);
  return Array.from(data as ArrayLike<number | bigint>, decode);
}

export function difference(
  output: string,
  got: Tensor | undefined,
  wanted: Tensor,
  floor = 0,
): Difference {
  if (!got) throw new Error(`no output '${output}'`);
  if (got.type !== wanted.type) throw new Error(`'${output}' is ${got.type}, not ${wanted.type}`);
  if (got.shape.join() !== wanted.shape.join()) {
    throw new Error(`'${output}' has the shape ${got.shape.join()}, not ${wanted.shape.join()}`);
  }
  const [a, b] = [numbers(got), numbers(wanted)];
  let largest = 0;
  for (const w of b) largest = Math.max(largest, Math.abs(w));
  let worst: Difference = { output, ratio: 0, at: -1, got: 0, wanted: 0 };
  for (let i = 0; i < b.length; i++) {
    const [g, w] = [a[i] ?? NaN, b[i] ?? NaN];
    const ratio = g === w ? 0 : Math.abs(g - w) / (1e-4 * largest + 1e-3 * Math.abs(w) + floor);
    if (!(ratio <= worst.ratio)) worst = { output, ratio, at: i, got: g, wanted: w };
    if (Number.isNaN(ratio)) break;
  }
  return worst;
}

/** Places of the five largest elements, the largest first and the others in order of place. */
function top5(data: readonly number[]): number[] {
  const [first = 0, ...others] = data
    .map((_, i) => i)
    .sort((a, b) => (data[b] ?? 0) - (data[a] ?? 0))
    .slice(0, 5);
  return [first, ...others.sort((a, b) => a - b)];
}

function ratioOf(
  measure: Exclude<Measure, 'close' | 'sigmoid'>,
  got: number[],
  wanted: number[],
): number {
  let [product, gotSquare, wantedSquare, squares, worst, largest] = [0, 0, 0, 0, 0, 0];
  wanted.forEach((w, i) => {
    const g = got[i] ?? NaN;
    product += g * w;
    gotSquare += g * g;
    wantedSquare += w * w;
    squares += (g - w) ** 2;
    if (!(Math.abs(g - w) <= worst)) worst = Math.abs(g - w);
    largest = Math.max(largest, Math.abs(w));
  });
  switch (measure) {
    case 'peak':
      return worst / (0.01 * largest);
    case 'top5':
      return top5(got).join() === top5(wanted).join() ? worst / (0.05 * largest) : Infinity;
    case 'direction':
      return (1 - product / Math.sqrt(gotSquare * wantedSquare)) / (1 - 0.99);
    case 'picture':
      return Math.sqrt(squares / wanted.length) / 10 ** (-40 / 20);
  }
}

export function compare(
  measure: Measure,
  output: string,
  got: Tensor | undefined,
  wanted: Tensor,
): Difference {
  const closest = difference(output, got, wanted, measure === 'sigmoid' ? 2 ** -23 : 0);
  if (measure === 'close' || measure === 'sigmoid' || !got) return closest;
  const ratio = ratioOf(measure, numbers(got), numbers(wanted));
  return { ...closest, ratio: Number.isNaN(ratio) ? Infinity : ratio };
}
