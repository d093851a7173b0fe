import { describe, expect, it } from 'vitest';
import { Agreement } from '../../../quantize/agreement.js';

function likeness(...pairs: [number[], number[]][]) {
  const agreement = new Agreement();
  for (const [reference, tensor] of pairs) agreement.add(reference, tensor);
  return agreement.likeness;
}

describe('agreement', () => {
  it('of equal tensors is complete', () => {
    const complete = { sqnr: Infinity, cosine: 1, maxDifference: 0 };
    expect(
      likeness([
        [1, -2],
        [1, -2],
      ]),
    ).toEqual(complete);
    expect(
      likeness([
        [0, 0],
        [0, 0],
      ]),
    ).toEqual(complete);
    expect(likeness()).toEqual(complete);
    expect(likeness([[], []])).toEqual(complete);
  });

  it('is counted over all pairs', () => {
    const { sqnr, cosine, maxDifference } = likeness(
      [
        [3, 0],
        [3, 0.1],
      ],
      [[4], [4.2]],
    );
    expect(sqnr).toBeCloseTo(10 * Math.log10(25 / 0.05), 5);
    expect(cosine).toBeCloseTo(25.8 / 5 / Math.hypot(3, 0.1, 4.2), 6);
    expect(maxDifference).toBeCloseTo(0.2, 6);
  });

  it('with zeros alone is none', () => {
    expect(
      likeness([
        [0, 0],
        [1, 0],
      ]),
    ).toEqual({ sqnr: -Infinity, cosine: 0, maxDifference: 1 });
    expect(
      likeness([
        [1, 0],
        [0, 0],
      ]),
    ).toEqual({ sqnr: 0, cosine: 0, maxDifference: 1 });
  });

  it('leaves out infinities that both have', () => {
    const masked = likeness([
      [-Infinity, 1, 2],
      [-Infinity, 1, 2.1],
    ]);
    const rest = likeness([
      [1, 2],
      [1, 2.1],
    ]);
    expect(masked).toEqual(rest);
    expect(likeness([[Infinity], [3]]).maxDifference).toBe(Infinity);
  });

  it('with NaN is NaN', () => {
    expect(
      likeness([
        [1, 2],
        [NaN, 2],
      ]),
    ).toEqual({ sqnr: NaN, cosine: NaN, maxDifference: NaN });
  });

  it('refuses tensors of different sizes', () => {
    expect(() => likeness([[1, 2], [1]])).toThrow(RangeError);
  });
});
