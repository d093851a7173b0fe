import { extremes, type Observer, type Range } from './observer.js';

/** All values that came. */
export class MinMaxObserver implements Observer {
  #range: Range | undefined;
  constructor(readonly tensor: string) {}

  observe(values: Float32Array): void {
    if (values.length === 0) return;
    const { min, max } = extremes(this.tensor, values);
    this.#range = {
      min: Math.min(min, this.#range?.min ?? min),
      max: Math.max(max, this.#range?.max ?? max),
    };
  }

  range(): Range {
    return this.#range ?? { min: 0, max: 0 };
  }
}
