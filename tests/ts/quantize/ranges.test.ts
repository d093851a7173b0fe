import { describe, expect, it } from 'vitest';
import { int8Scale, SMALLEST_SCALE, uint8Affine } from '../../../quantize/ranges/affine.js';
import { bestCut, EntropyObserver } from '../../../quantize/ranges/entropy.js';
import { BINS, Histogram } from '../../../quantize/ranges/histogram.js';
import { MinMaxObserver } from '../../../quantize/ranges/min_max.js';
import type { Observer } from '../../../quantize/ranges/observer.js';
import { PercentileObserver } from '../../../quantize/ranges/percentile.js';
import { seededNumbers } from '../../../web/demo/seeded_numbers.js';

const METHODS: [string, () => Observer][] = [
  ['minmax', () => new MinMaxObserver('x')],
  ['percentile', () => new PercentileObserver('x')],
  ['entropy', () => new EntropyObserver('x')],
];

function normal(count: number, seed: number): Float32Array {
  const next = seededNumbers(seed);
  return Float32Array.from({ length: count }, () => {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += next();
    return sum - 6;
  });
}

describe.each(METHODS)('%s', (_, make) => {
  it('has zeros where nothing, or nothing but zeros, came', () => {
    const observer = make();
    expect(observer.range()).toEqual({ min: 0, max: 0 });
    observer.observe(new Float32Array());
    observer.observe(new Float32Array(5));
    expect(observer.range()).toEqual({ min: 0, max: 0 });
  });

  it('keeps a constant', () => {
    const observer = make();
    observer.observe(new Float32Array(1000).fill(-2.5));
    expect(observer.range().min).toBeCloseTo(-2.5, 2);
  });

  it.each([NaN, Infinity, -Infinity])('refuses %s and names the tensor', (value) => {
    const refused = { code: 'VALUE_RANGE', where: { tensor: 'x' } };
    expect(() => make().observe(Float32Array.of(1, value, 2))).toThrow(
      expect.objectContaining(refused),
    );
  });

  it('takes subnormal numbers', () => {
    const observer = make();
    observer.observe(Float32Array.of(1e-45, 1e-42, -1e-44));
    const { min, max } = observer.range();
    expect(max).toBeGreaterThan(0);
    expect(max).toBeLessThanOrEqual(1.1e-42);
    expect(min).toBeGreaterThanOrEqual(-1.1e-44);
  });

  it('gives the same whatever the portions are', () => {
    const values = normal(10_000, 7);
    const whole = make();
    whole.observe(values);
    const parts = make();
    // The largest first, so that the bins are as wide from the beginning.
    const sorted = values.slice().sort((a, b) => Math.abs(b) - Math.abs(a));
    for (let i = 0; i < values.length; i += 999) parts.observe(sorted.subarray(i, i + 999));
    expect(parts.range()).toEqual(whole.range());
  });
});

describe('percentile', () => {
  it('cuts the same share at both ends', () => {
    const observer = new PercentileObserver('x', 98);
    observer.observe(Float32Array.from({ length: 20_001 }, (_, i) => i - 10_000));
    const { min, max } = observer.range();
    expect(min / 9800).toBeCloseTo(-1, 2);
    expect(max / 9800).toBeCloseTo(1, 2);
  });

  it('cuts one outlier of a million', () => {
    const observer = new PercentileObserver('x');
    observer.observe(Float32Array.from({ length: 1_000_000 }, (_, i) => (i === 5 ? 50 : i / 1e6)));
    expect(observer.range().min).toBe(0);
    expect(observer.range().max).toBeLessThan(1.1);
  });
});

describe('a histogram', () => {
  it('loses no count when its range grows', () => {
    const histogram = new Histogram('x');
    for (const size of [1e-3, 1, 30, 1e6]) histogram.add(normal(1000, 3).map((v) => v * size));
    histogram.add(Float32Array.of(0, 0, -0));
    const sum = (bins: Float64Array) => bins.reduce((a, b) => a + b, 0);
    expect(histogram.count).toBe(4003);
    expect(sum(histogram.negative) + sum(histogram.positive) + histogram.zeros).toBe(4003);
    expect(histogram.width * BINS).toBeGreaterThanOrEqual(histogram.range.max);
  });

  it('has the same bins whether a value came early or late', () => {
    const values = normal(1000, 4);
    const [early, late] = [new Histogram('x'), new Histogram('x')];
    early.add(Float32Array.of(16));
    early.add(values);
    late.add(Float32Array.of(-1));
    late.add(values);
    late.add(Float32Array.of(16));
    expect(late.width).toBe(early.width);
    expect(late.positive).toEqual(early.positive);
  });
});

describe('entropy', () => {
  // The divergence written out bin by bin.
  function plainCut(bins: Float64Array, levels: number): number {
    let [best, least] = [BINS, Infinity];
    for (let cut = BINS; cut >= levels; cut--) {
      const p = Array.from(bins.subarray(0, cut));
      p[cut - 1]! += bins.subarray(cut).reduce((a, b) => a + b, 0);
      const q = new Array<number>(cut).fill(0);
      for (let level = 0; level < levels; level++) {
        const start = Math.floor((level * cut) / levels);
        const end = Math.floor(((level + 1) * cut) / levels);
        const part = bins.subarray(start, end);
        const filled = part.filter((count) => count > 0).length;
        const count = part.reduce((a, b) => a + b, 0);
        for (let i = start; i < end; i++) q[i] = bins[i]! > 0 ? count / filled : 0;
      }
      const [all, kept] = [p, q].map((counts) => counts.reduce((a, b) => a + b, 0)) as [
        number,
        number,
      ];
      let divergence = 0;
      p.forEach((count, i) => {
        if (count > 0) divergence += (count / all) * Math.log(count / all / (q[i]! / kept));
      });
      if (divergence < least - 1e-12) [best, least] = [cut, divergence];
    }
    return best;
  }

  it.each([128, 256])('finds the cut of the definition, %s levels', (levels) => {
    const histogram = new Histogram('x');
    histogram.add(normal(20_000, 11).map((v) => v * Math.abs(v)));
    const bins = histogram.positive.map((count, i) => count + histogram.negative[i]!);
    const cut = bestCut(bins, levels);
    expect(cut).toBe(plainCut(bins, levels));
    expect(cut).toBeLessThan(BINS);
  });

  it('keeps all of a tensor that is too small to have a distribution', () => {
    const small = new EntropyObserver('x');
    small.observe(normal(5000, 5));
    small.observe(Float32Array.of(60, -7));
    expect(small.range()).toEqual({ min: -7, max: 60 });
  });

  it('cuts the tail of a distribution with outliers, and keeps a uniform one', () => {
    const tail = new EntropyObserver('x');
    tail.observe(normal(50_000, 5));
    tail.observe(Float32Array.of(60));
    expect(tail.range().max).toBeLessThan(20);
    expect(tail.range().min).toBeLessThan(-3);
    const uniform = new EntropyObserver('x');
    uniform.observe(Float32Array.from({ length: 100_000 }, (_, i) => i / 1e5));
    expect(uniform.range().max).toBeGreaterThan(0.98);
  });
});

describe('scales and zero points', () => {
  it.each([
    [
      { min: 0, max: 0 },
      { scale: 1, zero: 0 },
    ],
    [
      { min: 0, max: 255 },
      { scale: 1, zero: 0 },
    ],
    [
      { min: 10, max: 255 },
      { scale: 1, zero: 0 },
    ],
    [
      { min: -255, max: -10 },
      { scale: 1, zero: 255 },
    ],
    [
      { min: -1, max: 4 },
      { scale: Math.fround(5 / 255), zero: 51 },
    ],
    [
      { min: 0, max: 1e-44 },
      { scale: SMALLEST_SCALE, zero: 0 },
    ],
    [
      { min: -1e-44, max: 0 },
      { scale: SMALLEST_SCALE, zero: 0 },
    ],
    [
      { min: -1e38, max: 3e38 },
      { scale: Math.fround(4e38 / 255), zero: 64 },
    ],
  ])('of %j', (range, affine) => expect(uint8Affine(range)).toEqual(affine));

  it('reach both ends of any range', () => {
    const next = seededNumbers(1);
    for (let i = 0; i < 1000; i++) {
      const [min, max] = [-next() * 10 ** (8 * next() - 4), next() * 10 ** (8 * next() - 4)];
      const { scale, zero } = uint8Affine({ min, max });
      expect(Number.isInteger(zero) && zero >= 0 && zero <= 255).toBe(true);
      expect(Math.fround(scale)).toBe(scale);
      expect(Math.abs(scale * (0 - zero) - min)).toBeLessThanOrEqual(scale * 0.501);
      expect(Math.abs(scale * (255 - zero) - max)).toBeLessThanOrEqual(scale * 0.501);
    }
  });

  it('of symmetric weights', () => {
    expect(int8Scale(127)).toBe(1);
    expect(int8Scale(0)).toBe(1);
    expect(int8Scale(1e-44)).toBe(SMALLEST_SCALE);
  });
});
