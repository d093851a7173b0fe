import { seededNumbers } from './seeded_numbers';

/** Normally distributed numbers, the same for each seed, by Box–Muller. */
export function normalNoise(count: number, seed: number): Float32Array {
  const random = seededNumbers(seed);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

/** The picture with `sigma` times `noise` (three values per pixel) added, in bytes. */
export function withNoise(picture: ImageData, noise: Float32Array, sigma: number): ImageData {
  const noisy = new ImageData(picture.width, picture.height);
  for (let from = 0, i = 0; from < picture.data.length; from += 4, i += 3) {
    for (let c = 0; c < 3; c++) {
      noisy.data[from + c] = (picture.data[from + c] ?? 0) + sigma * (noise[i + c] ?? 0);
    }
    noisy.data[from + 3] = 255;
  }
  return noisy;
}

/** Peak signal to noise ratio over red, green and blue, in dB. */
export function psnr(picture: ImageData, reference: ImageData): number {
  let sum = 0;
  for (let i = 0; i < reference.data.length; i += 4) {
    for (let c = 0; c < 3; c++) {
      sum += ((picture.data[i + c] ?? 0) - (reference.data[i + c] ?? 0)) ** 2;
    }
  }
  const mean = sum / (0.75 * reference.data.length);
  return 10 * Math.log10(255 ** 2 / mean);
}
