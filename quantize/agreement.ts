// How near one tensor is to another.
import { decibels } from './sqnr.js';

/** JSON has no infinity: two equal tensors have the SQNR null there. */
export interface Likeness {
  /** Signal to quantization noise in dB: 10 · log10(Σ a² / Σ (a − b)²). Infinity when nothing differs. */
  readonly sqnr: number;
  readonly cosine: number;
  readonly maxDifference: number;
}

/** Sums over any number of pairs, so that all samples count as one tensor. */
export class Agreement {
  #signal = 0;
  #noise = 0;
  #other = 0;
  #product = 0;
  #maxDifference = 0;

  /** Elements of `reference` and `tensor` belong together by their place. */
  add(reference: ArrayLike<number>, tensor: ArrayLike<number>): void {
    const count = reference.length;
    if (tensor.length !== count) throw new RangeError(`${count} and ${tensor.length} elements`);
    let [signal, noise, other, product] = [0, 0, 0, 0];
    let most = this.#maxDifference;
    for (let i = 0; i < count; i++) {
      const a = reference[i]!;
      const b = tensor[i]!;
      // Equal infinities differ by nothing, and would outweigh all else.
      if (a === b && Math.abs(a) === Infinity) continue;
      const difference = Math.abs(a - b);
      signal += a * a;
      other += b * b;
      product += a * b;
      noise += difference * difference;
      most = Math.max(most, difference); // NaN stays
    }
    this.#signal += signal;
    this.#noise += noise;
    this.#other += other;
    this.#product += product;
    this.#maxDifference = most;
  }

  get likeness(): Likeness {
    const [signal, noise] = [this.#signal, this.#noise];
    const sizes = Math.sqrt(signal) * Math.sqrt(this.#other);
    const cosine = noise === 0 ? 1 : sizes > 0 ? Math.min(1, this.#product / sizes) : 0;
    return {
      sqnr: decibels(signal, noise),
      cosine: Number.isNaN(sizes) ? NaN : cosine,
      maxDifference: this.#maxDifference,
    };
  }
}
