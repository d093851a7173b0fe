import { BINS, Histogram } from './histogram.js';
import type { Observer, Range } from './observer.js';

/** Cuts the same share of the elements off at both ends: `percentile` of them are within the range. */
export class PercentileObserver implements Observer {
  readonly #histogram: Histogram;

  constructor(
    tensor: string,
    readonly percentile = 99.99,
  ) {
    this.#histogram = new Histogram(tensor);
  }

  observe(values: Float32Array): void {
    if (values.length > 0) this.#histogram.add(values);
  }

  range(): Range {
    const { count, negative, positive, width, range } = this.#histogram;
    const cut = (count * (100 - this.percentile)) / 200;
    return {
      min: Math.max(range.min, -reach(negative, width, cut)),
      max: Math.min(range.max, reach(positive, width, cut)),
    };
  }
}

// How far from zero one side goes when at most `cut` elements are left out at its end.
function reach(bins: Float64Array, width: number, cut: number): number {
  let beyond = 0;
  for (let i = BINS - 1; i >= 0; i--) {
    beyond += bins[i]!;
    if (beyond > cut) return (i + 1) * width;
  }
  return 0;
}
