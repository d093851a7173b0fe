// The range whose quantized distribution tells least else than the true one, by Kullback-Leibler divergence:
// S. Migacz, "8-bit Inference with TensorRT", GPU Technology Conference 2017.
//
// A candidate keeps the first n bins of the absolute values. P is their distribution, with everything beyond
// in the last bin, as saturation puts it there. Q knows only as many levels as the integers have: the bins of
// one level share its count, but for those that were empty. With sums from the left of counts, of bins that
// are not empty, and of p · log p, one candidate costs a step per level instead of one per bin.
import { BINS, Histogram } from './histogram.js';
import type { Observer, Range } from './observer.js';

// An unsigned byte has all its codes for one sign, or half of them for each.
const LEVELS = { oneSign: 256, twoSigns: 128 };

/** Elements per bin below which the gaps between them are taken for their distribution: the extremes are better. */
const ENOUGH = 16;

export class EntropyObserver implements Observer {
  readonly #histogram: Histogram;

  constructor(tensor: string) {
    this.#histogram = new Histogram(tensor);
  }

  observe(values: Float32Array): void {
    if (values.length > 0) this.#histogram.add(values);
  }

  range(): Range {
    const { negative, positive, range, width, count, zeros } = this.#histogram;
    if (count - zeros < ENOUGH * BINS) return range;
    const twoSigns = range.min < 0 && range.max > 0;
    const sizes = positive.map((count, i) => count + negative[i]!);
    const kept = bestCut(sizes, twoSigns ? LEVELS.twoSigns : LEVELS.oneSign) * width;
    return { min: Math.max(range.min, -kept), max: Math.min(range.max, kept) };
  }
}

interface Sums {
  readonly count: Float64Array;
  readonly filled: Float64Array;
  /** Of p · log p. */
  readonly plogp: Float64Array;
}

const plogp = (p: number) => (p > 0 ? p * Math.log(p) : 0);

function sumUp(bins: Float64Array): Sums {
  const sums = {
    count: new Float64Array(BINS + 1),
    filled: new Float64Array(BINS + 1),
    plogp: new Float64Array(BINS + 1),
  };
  bins.forEach((p, i) => {
    sums.count[i + 1] = sums.count[i]! + p;
    sums.filled[i + 1] = sums.filled[i]! + (p > 0 ? 1 : 0);
    sums.plogp[i + 1] = sums.plogp[i]! + plogp(p);
  });
  return sums;
}

/** How many bins to keep; of equally good ones the most. */
export function bestCut(bins: Float64Array, levels: number): number {
  const sums = sumUp(bins);
  let [best, least] = [BINS, Infinity];
  for (let cut = BINS; cut >= levels; cut--) {
    const divergence = divergenceAt(bins, sums, cut, levels);
    if (divergence < least) [best, least] = [cut, divergence];
  }
  return best;
}

function divergenceAt(bins: Float64Array, sums: Sums, cut: number, levels: number): number {
  const all = sums.count[BINS]!;
  const kept = sums.count[cut]!;
  const last = bins[cut - 1]!;
  const outliers = all - kept;
  // Q has nothing where P has all outliers.
  if (outliers > 0 && last === 0) return Infinity;
  let cross = 0; // of p · log q
  for (let level = 0, start = 0; level < levels; level++) {
    const end = Math.floor(((level + 1) * cut) / levels);
    const count = sums.count[end]! - sums.count[start]!;
    const filled = sums.filled[end]! - sums.filled[start]!;
    const isLast = level === levels - 1;
    if (count > 0) cross += (count + (isLast ? outliers : 0)) * Math.log(count / filled);
    start = end;
  }
  const own = sums.plogp[cut]! - plogp(last) + plogp(last + outliers);
  return (own - cross) / all - Math.log(all / kept);
}
