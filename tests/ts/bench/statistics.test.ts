import { describe, expect, it } from 'vitest';

interface Spread {
  readonly median: number;
  readonly q1: number;
  readonly q3: number;
}
interface Statistics {
  readonly median: (values: readonly number[]) => number;
  readonly spread: (values: readonly number[]) => Spread;
  readonly geometricMean: (values: readonly number[]) => number;
}
const script = '../../../bench/statistics.mjs';
const { geometricMean, median, spread } = (await import(script)) as Statistics;

describe('statistics of the bench', () => {
  it('takes the middle, or the mean of the two in the middle', () => {
    expect(median([5])).toBe(5);
    expect(median([9, 1, 4])).toBe(4);
    expect(median([10, 9, 1, 4])).toBe(6.5);
  });

  it('compares by size, not as text', () => {
    expect(median([100, 20, 3])).toBe(20);
  });

  it('leaves its argument alone', () => {
    const values = [3, 1, 2];
    spread(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('gives the range of the middle half', () => {
    expect(spread([0, 10, 20, 30, 40])).toEqual({ median: 20, q1: 10, q3: 30 });
    expect(spread([0, 10])).toEqual({ median: 5, q1: 2.5, q3: 7.5 });
    expect(spread([7])).toEqual({ median: 7, q1: 7, q3: 7 });
  });

  it('averages ratios so that twice and half cancel out', () => {
    expect(geometricMean([2, 0.5])).toBeCloseTo(1, 12);
    expect(geometricMean([1, 8, 27])).toBeCloseTo(6, 12);
  });
});
