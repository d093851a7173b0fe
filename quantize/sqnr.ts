// Signal to quantization noise.

/** Of sums of squares; infinite where nothing changed. */
export const decibels = (signal: number, noise: number): number =>
  noise === 0 ? Infinity : 10 * Math.log10(signal / noise);

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
    return decibels(this.#signal, this.#noise);
  }
}
