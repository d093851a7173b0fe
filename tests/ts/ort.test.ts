import * as reference from 'onnxruntime-common';
import { describe, expect, it } from 'vitest';
import { readCreateArguments, readRunArguments } from '../../web/ort/arguments.js';
import { env, InferenceSession, Tensor } from '../../web/ort/index.js';

type Construct = new (...args: unknown[]) => {
  type: string;
  dims: readonly number[];
  size: number;
  data: ArrayLike<unknown>;
};

const describeTensor = (Type: unknown, args: unknown[]) => {
  try {
    const { type, dims, size, data } = new (Type as Construct)(...args);
    return { type, dims: [...dims], size, array: data.constructor.name, data: Array.from(data) };
  } catch (thrown) {
    return { error: (thrown as Error).constructor.name };
  }
};

const clamped = Uint8ClampedArray.of(1, 2, 3, 4);
const cases: [string, unknown[]][] = [
  ['type and array', ['float32', Float32Array.of(1, 2), [1, 2]]],
  ['type and numbers', ['float32', [1, 2, 3], [3]]],
  ['dims left out', ['int32', [1, 2, 3]]],
  ['int64 from numbers', ['int64', [1, 2], [2]]],
  ['uint64 from bigints', ['uint64', [1n, 2n], [2]]],
  ['bool from booleans', ['bool', [true, false], [2]]],
  ['bool from bytes', ['bool', Uint8Array.of(1, 0), [2]]],
  ['strings', ['string', ['a', 'b'], [2]]],
  ['clamped bytes as uint8', ['uint8', clamped, [4]]],
  ['float16 bits', ['float16', Uint16Array.of(15360), [1]]],
  ['scalar', ['float32', Float32Array.of(1), []]],
  ['empty', ['float32', new Float32Array(0), [0]]],
  ['inferred float32', [Float32Array.of(1, 2), [2]]],
  ['inferred float64', [Float64Array.of(1, 2)]],
  ['inferred int64', [BigInt64Array.of(1n)]],
  ['inferred uint8 of clamped bytes', [clamped, [2, 2]]],
  ['inferred strings', [['a', 'b']]],
  ['inferred booleans', [[true, false]]],
  ['numbers without a type', [[1, 2]]],
  ['an empty array without a type', [[]]],
  ['an unknown type', ['float31', Float32Array.of(1), [1]]],
  ['the wrong array', ['float32', Float64Array.of(1), [1]]],
  ['strings for numbers', ['string', Float32Array.of(1), [1]]],
  ['the wrong length', ['float32', Float32Array.of(1, 2), [3]]],
  ['a negative dim', ['float32', Float32Array.of(1, 2), [-1]]],
  ['a broken dim', ['float32', Float32Array.of(1, 2), [0.5]]],
  ['a dim that is no number', ['float32', Float32Array.of(1, 2), ['2']]],
  ['dims that are no array', ['float32', Float32Array.of(1, 2), 2]],
];

describe('Tensor', () => {
  it.each(cases)('is like onnxruntime-common: %s', (_, args) => {
    expect(describeTensor(Tensor, args)).toEqual(describeTensor(reference.Tensor, args));
  });

  it('shares its data with what reshape() gives', () => {
    const tensor = new Tensor('float32', [1, 2, 3, 4], [4]);
    const reshaped = tensor.reshape([2, 2]);
    expect(reshaped.data).toBe(tensor.data);
    expect(reshaped.dims).toEqual([2, 2]);
    expect(() => tensor.reshape([3])).toThrow(Error);
  });

  it('has no data after dispose()', async () => {
    const tensor = new Tensor('float32', [1], [1]);
    expect(tensor.location).toBe('cpu');
    await expect(tensor.getData()).resolves.toBe(tensor.data);
    tensor.dispose();
    expect(tensor.location).toBe('none');
    expect(() => tensor.data).toThrow(Error);
  });
});

describe('InferenceSession.create arguments', () => {
  const buffer = new ArrayBuffer(16);

  it('reads a path, bytes and a part of a buffer', () => {
    const options = { executionProviders: ['wasm'] };
    expect(readCreateArguments('m.onnx', [options])).toEqual({ source: 'm.onnx', options });
    expect(readCreateArguments(buffer, [])).toEqual({ source: new Uint8Array(16), options: {} });
    const part = readCreateArguments(buffer, [4, 8, options]);
    expect(part.source).toEqual(new Uint8Array(buffer, 4, 8));
    expect(part.options).toBe(options);
    expect(readCreateArguments(buffer, [4]).source).toHaveLength(12);
  });

  it.each<[unknown, unknown[], string]>([
    [5, [], 'TypeError'],
    ['m.onnx', [1], 'TypeError'],
    [buffer, [17], 'RangeError'],
    [buffer, [-1], 'RangeError'],
    [buffer, [0.5], 'RangeError'],
    [buffer, [4, 13], 'RangeError'],
    [buffer, [4, 0], 'RangeError'],
    [buffer, [4, 'x'], 'TypeError'],
    [buffer, [4, 8, 1], 'TypeError'],
  ])('refuses %o %o', (model, rest, error) => {
    expect(() => readCreateArguments(model, rest)).toThrow(
      expect.objectContaining({ name: error }) as Error,
    );
  });

  it('knows no backend but wasm and cpu', async () => {
    const creating = InferenceSession.create('m.onnx', { executionProviders: ['webnn'] });
    await expect(creating).rejects.toThrow('no available backend');
  });
});

describe('InferenceSession.run arguments', () => {
  const names = { inputNames: ['x'], outputNames: ['y', 'z'] };
  const x = new Tensor('float32', [1], [1]);
  const read = (...rest: unknown[]) => readRunArguments(names, { x }, rest);

  it('takes all outputs when nothing is asked for', () => {
    expect(read()).toEqual({ fetches: { y: null, z: null }, options: {} });
  });

  it('tells fetches from options', () => {
    const options = { tag: 'a' };
    expect(read(['z'], options)).toEqual({ fetches: { z: null }, options });
    expect(read({ z: null }, options)).toEqual({ fetches: { z: null }, options });
    expect(read({ y: x }).fetches.y).toBe(x);
    expect(read(options)).toEqual({ fetches: { y: null, z: null }, options });
  });

  it.each<[unknown, unknown[], string]>([
    [null, [], 'TypeError'],
    [x, [], 'TypeError'],
    [[], [], 'TypeError'],
    [{}, [], 'Error'],
    [{ x }, [null], 'TypeError'],
    [{ x }, [x], 'TypeError'],
    [{ x }, [[]], 'TypeError'],
    [{ x }, [[1]], 'TypeError'],
    [{ x }, [['w']], 'RangeError'],
    [{ x }, [['y'], 1], 'TypeError'],
    [{ x }, [5], 'TypeError'],
  ])('refuses %o %o', (feeds, rest, error) => {
    expect(() => readRunArguments(names, feeds, rest)).toThrow(
      expect.objectContaining({ name: error }) as Error,
    );
  });
});

describe('env', () => {
  it('has the places that applications set', () => {
    env.wasm.numThreads = 0;
    env.wasm.wasmPaths = 'https://cdn.example/';
    env.logLevel = 'error';
    expect(Object.keys(env)).toEqual(expect.arrayContaining(['wasm', 'webgpu', 'versions']));
  });
});
