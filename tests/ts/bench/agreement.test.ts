import { describe, expect, it } from 'vitest';

type Digest = Readonly<Record<string, { dims: number[]; elements: number[] }>>;
interface Module {
  readonly difference: (ours: Digest, theirs: Digest, precision: string) => string | undefined;
}
const script = '../../../bench/agreement.mjs';
const { difference } = (await import(script)) as Module;

const digest = (elements: number[], dims = [elements.length]): Digest => ({
  y: { dims, elements },
});
const theirs = digest([1, -2, 3, 0]);

describe('outputs of two engines', () => {
  it('agree up to rounding', () => {
    expect(difference(digest([1.0005, -2, 3.002, 0.001]), theirs, 'fp32')).toBeUndefined();
    expect(difference(digest([NaN, Infinity]), digest([NaN, Infinity]), 'fp32')).toBeUndefined();
    expect(difference(digest([0, 0]), digest([0, 0]), 'quantized')).toBeUndefined();
  });

  it('differ by an element, a NaN, a shape or a name', () => {
    expect(difference(digest([1, -2, 3, 0.01]), theirs, 'fp32')).toMatch(/output y/);
    expect(difference(digest([1, -2, NaN, 0]), theirs, 'fp32')).toMatch(/output y/);
    expect(difference(digest([1, -2, 3, 0], [2, 2]), theirs, 'fp32')).toMatch(/\[2,2\] and \[4\]/);
    expect(difference({}, theirs, 'fp32')).toMatch(/missing/);
  });

  it('may be as far apart as steps of quantization, not further', () => {
    expect(difference(digest([1.2, -2, 3, 0.1]), theirs, 'quantized')).toBeUndefined();
    expect(difference(digest([-1, 2, 3, 0]), theirs, 'quantized')).toMatch(/output y/);
    expect(difference(digest([NaN, -2, 3, 0]), theirs, 'fp16')).toMatch(/output y/);
  });
});
