// How often values of each size came. Bins of one width on both sides of zero; when a value lies beyond
// the last, the width doubles, so that pairs of bins become one and every count stays right.
import { extremes, type Range } from './observer.js';

/** On each side of zero. */
export const BINS = 2048;

export class Histogram {
  /** By distance from zero. */
  readonly negative = new Float64Array(BINS);
  readonly positive = new Float64Array(BINS);
  /** Zero itself, which every quantization has. */
  zeros = 0;
  /** 0 until a value other than zero has come. */
  width = 0;
  #range: Range = { min: 0, max: 0 };
  #count = 0;

  constructor(readonly tensor: string) {}

  get count(): number {
    return this.#count;
  }

  /** The extremes of all values, and zero. */
  get range(): Range {
    return this.#range;
  }

  add(values: Float32Array): void {
    const { min, max } = extremes(this.tensor, values);
    this.#range = { min: Math.min(this.#range.min, min), max: Math.max(this.#range.max, max) };
    this.#reach(Math.max(-min, max));
    this.#count += values.length;
    const { negative, positive } = this;
    const perBin = this.width > 0 ? 1 / this.width : 0;
    for (const value of values) {
      const bin = Math.min(BINS - 1, Math.floor(Math.abs(value) * perBin));
      if (value > 0) positive[bin]! += 1;
      else if (value < 0) negative[bin]! += 1;
      else this.zeros += 1;
    }
  }

  #reach(size: number): void {
    if (size <= 0) return;
    if (this.width === 0) this.width = size / BINS;
    for (; size > this.width * BINS; this.width *= 2) {
      halve(this.negative);
      halve(this.positive);
    }
  }
}

function halve(bins: Float64Array): void {
  for (let i = 0; i < BINS / 2; i++) bins[i] = bins[2 * i]! + bins[2 * i + 1]!;
  bins.fill(0, BINS / 2);
}
