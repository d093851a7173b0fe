// Signal to quantization noise.

/** Sums over elements and what they became. */
export class Noise {
  #signal = 0;
  #noise = 0;

  add(value: number, quantized: number): void {
    this.#signal += value * value;
    this.#noise += (value - quantized) ** 2;
  }

  /** Infinite where nothing changed. */
  get decibels(): number {
    if (this.#noise === 0) return Infinity;
    return 10 * Math.log10(this.#signal / this.#noise);
  }
}
