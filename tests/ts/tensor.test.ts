import { describe, expect, it } from 'vitest';
import { dtypeByNumber, dtypeInfo } from '../../worker/dtypes.js';
import { SardonyxError } from '../../web/errors.js';
import { revoke, Tensor, type DType } from '../../web/tensor.js';

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(SardonyxError);
    return (thrown as SardonyxError).code;
  }
  return 'nothing thrown';
}

const make = (type: unknown, data: unknown, shape: unknown) =>
  codeOf(() => new Tensor(type as DType, data as Float32Array, shape as number[]));

describe('Tensor', () => {
  it('holds the array it is given, without a copy', () => {
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    const tensor = new Tensor('float32', data, [2, 3]);
    expect(tensor.data).toBe(data);
    expect(tensor.shape).toEqual([2, 3]);
    expect(tensor.location).toBe('cpu');
  });

  it('does not follow later changes of the shape it was given', () => {
    const shape = [2, 2];
    const tensor = new Tensor('uint8', new Uint8Array(4), shape);
    shape[0] = 9;
    expect(tensor.shape).toEqual([2, 2]);
    expect(() => (tensor.shape as number[]).push(1)).toThrow(TypeError);
  });

  it('takes scalars and empty tensors', () => {
    expect(new Tensor('int64', BigInt64Array.of(7n), []).data[0]).toBe(7n);
    expect(new Tensor('float32', new Float32Array(0), [0, 5]).data.length).toBe(0);
  });

  it('packs elements under a byte', () => {
    expect(new Tensor('int4', new Uint8Array(3), [5]).shape).toEqual([5]);
    expect(make('int4', new Uint8Array(5), [5])).toBe('INPUT_SIZE');
    expect(new Tensor('uint2', new Uint8Array(2), [5]).shape).toEqual([5]);
  });

  it.each([
    ['an unknown dtype', 'float31', new Float32Array(1), [1], 'INVALID_ARGUMENT'],
    ['the array of another dtype', 'float32', new Float64Array(1), [1], 'INPUT_DTYPE'],
    ['a plain array', 'float32', [1], [1], 'INPUT_DTYPE'],
    ['no data', 'float32', null, [1], 'INPUT_DTYPE'],
    ['numbers for int64', 'int64', new Int32Array(1), [1], 'INPUT_DTYPE'],
    ['too few elements', 'float32', new Float32Array(5), [2, 3], 'INPUT_SIZE'],
    ['too many elements', 'float32', new Float32Array(7), [2, 3], 'INPUT_SIZE'],
    ['a negative dim', 'float32', new Float32Array(0), [-1, 0], 'INPUT_SHAPE'],
    ['a broken dim', 'float32', new Float32Array(1), [0.5], 'INPUT_SHAPE'],
    ['NaN', 'float32', new Float32Array(1), [NaN], 'INPUT_SHAPE'],
    ['no shape', 'float32', new Float32Array(1), undefined, 'INPUT_SHAPE'],
  ])('refuses %s', (_, type, data, shape, code) => {
    expect(make(type, data, shape)).toBe(code);
  });

  it('gives TENSOR_DISPOSED after dispose()', async () => {
    const tensor = new Tensor('float32', new Float32Array(1), [1]);
    tensor.dispose();
    tensor.dispose();
    expect(codeOf(() => tensor.data)).toBe('TENSOR_DISPOSED');
    await expect(tensor.getData()).rejects.toMatchObject({ code: 'TENSOR_DISPOSED' });
  });

  it('gives TENSOR_STALE when its owner took the memory away', () => {
    const tensor = new Tensor('float32', new Float32Array(1), [1]);
    revoke(tensor, 'TENSOR_STALE');
    tensor.dispose();
    expect(codeOf(() => tensor.data)).toBe('TENSOR_STALE');
  });
});

describe('tensors of strings', () => {
  it('hold an array of strings', () => {
    const data = ['a', 'größe', ''];
    expect(new Tensor('string', data, [3]).data).toBe(data);
    expect(new Tensor('string', [], [0, 2]).data).toEqual([]);
  });

  it.each([
    ['numbers among them', ['a', 1], [2], 'INPUT_DTYPE'],
    ['bytes', new Uint8Array(1), [1], 'INPUT_DTYPE'],
    ['one string', 'a', [1], 'INPUT_DTYPE'],
    ['too few', ['a'], [2], 'INPUT_SIZE'],
  ])('refuse %s', (_, data, shape, code) => {
    expect(make('string', data, shape)).toBe(code);
  });
});

describe('dtypes', () => {
  it('knows every number of ONNX but the complex ones', () => {
    const known = Array.from({ length: 40 }, (_, n) => n).filter((n) => dtypeByNumber(n));
    expect(known).toEqual([
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      9,
      ...Array.from({ length: 4 }, (_, i) => 10 + i),
      ...Array.from({ length: 11 }, (_, i) => 16 + i),
    ]);
  });

  it('has arrays of the right width', () => {
    for (let number = 0; number < 40; number++) {
      const info = dtypeByNumber(number);
      if (!info) continue;
      const { BYTES_PER_ELEMENT } = info.array as unknown as { BYTES_PER_ELEMENT: number };
      expect(8 * BYTES_PER_ELEMENT, info.type).toBe(Math.max(8, info.bits));
      expect(dtypeInfo(info.type)).toBe(info);
    }
  });
});
