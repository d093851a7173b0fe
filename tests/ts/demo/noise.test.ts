import { expect, it } from 'vitest';
import { normalNoise, psnr, withNoise } from '../../../web/demo/noise';

class PlainImageData {
  readonly data: Uint8ClampedArray;
  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.data = new Uint8ClampedArray(4 * width * height);
  }
}
// Node has none.
globalThis.ImageData = PlainImageData as unknown as typeof ImageData;

function grey(level: number): ImageData {
  const picture = new ImageData(64, 64);
  picture.data.fill(level);
  return picture;
}

it('is normally distributed and the same for a seed', () => {
  const values = normalNoise(100_001, 7);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  expect(mean).toBeCloseTo(0, 1);
  expect(variance).toBeCloseTo(1, 1);
  const beyond = values.filter((v) => Math.abs(v) > 1.96).length / values.length;
  expect(beyond).toBeCloseTo(0.05, 2);
  expect(normalNoise(9, 7)).toEqual(values.slice(0, 9));
  expect(normalNoise(9, 8)).not.toEqual(normalNoise(9, 7));
});

it('adds noise of the strength asked for', () => {
  const noise = normalNoise(3 * 64 * 64, 1);
  const noisy = withNoise(grey(128), noise, 25);
  expect(psnr(noisy, grey(128))).toBeCloseTo(10 * Math.log10(255 ** 2 / 25 ** 2), 0);
  expect(withNoise(grey(200), noise, 0).data.slice(0, 4)).toEqual(
    new Uint8ClampedArray([200, 200, 200, 255]),
  );
});

it('measures the difference of two pictures', () => {
  expect(psnr(grey(100), grey(110))).toBeCloseTo(10 * Math.log10(255 ** 2 / 100));
  expect(psnr(grey(100), grey(100))).toBe(Infinity);
});
