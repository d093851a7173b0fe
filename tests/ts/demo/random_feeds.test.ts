import { describe, expect, it } from 'vitest';
import { makeFeed } from '../../../web/demo/random_feeds';
import type { DType, ValueInfo } from '../../../web/index';

const info = (type: DType): ValueInfo => ({
  name: 'x',
  kind: 'tensor',
  type,
  shape: [null],
  optional: false,
});

const float16 = (bits: number): number => 2 ** ((bits >> 10) - 15) * (1 + (bits & 0x3ff) / 1024);

describe('random feeds', () => {
  it('fills floats between 0 and 1', () => {
    const { data, shape } = makeFeed(info('float32'), [4, 50], 'random');
    const values = Array.from(data as Float32Array);
    expect(shape).toEqual([4, 50]);
    expect(values).toHaveLength(200);
    expect(values.every((v) => v >= 0 && v <= 1)).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(100);
  });

  it('fills integers and bools with 0 and 1', () => {
    for (const type of ['int32', 'uint8', 'bool', 'int64'] as const) {
      const values = Array.from(makeFeed(info(type), [100], 'random').data, Number);
      expect(new Set(values)).toEqual(new Set([0, 1]));
    }
  });

  it('makes float16 bits of ordinary numbers', () => {
    const { data } = makeFeed(info('float16'), [100], 'random');
    const values = Array.from(data as Uint16Array, float16);
    expect(values.every((v) => v > 0 && v <= 1)).toBe(true);
    expect(float16(Number(makeFeed(info('float16'), [1], 'ones').data[0]))).toBe(1);
  });

  it('takes zero elements and scalars', () => {
    expect(makeFeed(info('float32'), [2, 0, 3], 'random').data).toHaveLength(0);
    expect(Array.from(makeFeed(info('float32'), [], 'ones').data as Float32Array)).toEqual([1]);
    expect(Array.from(makeFeed(info('int8'), [3], 'zeros').data as Int8Array)).toEqual([0, 0, 0]);
  });

  it('refuses what a page should not allocate, and types it can not make', () => {
    expect(() => makeFeed(info('float32'), [1e6, 1e6], 'zeros')).toThrow(/'x'.*elements/);
    expect(() => makeFeed(info('string'), [1], 'zeros')).toThrow(/string/);
  });
});
