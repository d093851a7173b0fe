import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EncodedTensor, Manifest } from '../../manifest/parse.js';
import { toNumbers } from '../../router/numbers.js';
import type { Feed, Route } from '../../router/route.js';
import { selfTest } from '../../router/self_test.js';
import type { DType, TypedArray } from '../../worker/dtypes.js';
import { ON_CPU } from '../../worker/protocol.js';
import { sampleManifest } from './sample_manifest.js';

interface Given {
  readonly type?: DType;
  readonly shape?: readonly number[];
  readonly data?: TypedArray;
  readonly output?: number;
}

// A route that always gives the same.
function routeThatGives({ type = 'float32', shape = [2], data, output = 0 }: Given) {
  const fed: (readonly Feed[])[] = [];
  const route = {
    model: { inputs: [{ name: 'x', type: 'float32' }], outputs: [{ name: 'y', type: 'float32' }] },
    placement: ON_CPU,
    run(feeds: readonly Feed[]) {
      fed.push(feeds);
      return Promise.resolve([{ output, type, shape, data: data ?? Float32Array.of(1, 2) }]);
    },
  };
  return { route: route as unknown as Route, fed };
}

const manifest: Manifest = sampleManifest();
const [fp32, , int8] = manifest.variants as [
  Manifest['variants'][0],
  unknown,
  Manifest['variants'][0],
];
const wrong = (text: string) =>
  expect.objectContaining({
    code: 'SELFTEST_FAILED',
    message: expect.stringContaining(text) as string,
    where: { tensor: 'y' },
  }) as Error;

afterEach(() => void vi.useRealTimers());

describe('selfTest', () => {
  it.each([
    ['the CPU', ON_CPU, 'ENGINE_HUNG'],
    ['a server, which has a limit of its own', { device: 'remote', why: [] }, undefined],
  ] as const)('waits 10 s and a little for an answer of %s', async (_, placement, code) => {
    vi.useFakeTimers();
    const { route } = routeThatGives({});
    const silent = { ...route, placement, run: () => new Promise(() => undefined) };
    let failure: { code?: string } | undefined;
    selfTest(silent as unknown as Route, manifest, fp32).catch((thrown: unknown) => {
      failure = thrown as { code: string };
    });
    await vi.advanceTimersByTimeAsync(10_500);
    expect(failure).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1000);
    expect(failure?.code).toBe(code);
  });

  it('feeds what the manifest knows and takes the right answer', async () => {
    const { route, fed } = routeThatGives({});
    const answered: number[][] = [];
    await selfTest(route, manifest, fp32, (done, total) => answered.push([done, total]));
    expect(fed).toEqual([
      [{ input: 0, type: 'float32', shape: [2], data: Float32Array.of(0, 1), owned: true }],
    ]);
    expect(answered).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  it('allows each precision its own distance', async () => {
    const { route } = routeThatGives({ data: Float32Array.of(1.2, 2) });
    await selfTest(route, manifest, int8);
    await expect(selfTest(route, manifest, fp32)).rejects.toThrow(wrong('off by 0.2'));
  });

  it.each<[title: string, given: Given, text: string]>([
    ['NaN', { data: Float32Array.of(NaN, 2) }, 'off by Infinity'],
    ['infinity', { data: Float32Array.of(Infinity, 2) }, 'off by Infinity'],
    ['another shape', { shape: [2, 1] }, 'float32 [2, 1], not float32 [2]'],
    ['another dtype', { type: 'int32', data: Int32Array.of(1, 2) }, 'int32 [2]'],
    ['nothing', { output: 3 }, 'was not computed'],
  ])('refuses %s', async (_, given, text) => {
    const { route } = routeThatGives(given);
    await expect(selfTest(route, manifest, fp32)).rejects.toThrow(wrong(text));
  });

  it('has nothing to ask without known answers', async () => {
    const { route, fed } = routeThatGives({ data: Float32Array.of(9, 9) });
    const { knownAnswers: _, ...silent } = manifest;
    await selfTest(route, silent, fp32);
    expect(fed).toEqual([]);
  });

  it.each<[change: Partial<Manifest>, field: string, text: string]>([
    [{ inputs: [{ name: 'z', dtype: 'float32', shape: [2] }] }, 'inputs[0]', 'is not in the model'],
    [{ outputs: [{ name: 'y', dtype: 'int8', shape: [2] }] }, 'outputs[0]', 'float32 in the model'],
  ])('refuses a manifest that is not about the model', async (change, field, text) => {
    const { route } = routeThatGives({});
    const other: Manifest = { ...manifest, ...change };
    await expect(selfTest(route, other, fp32)).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining(text) as string,
      where: { field },
    });
  });

  it('compares integers of 64 bits', async () => {
    const answer: EncodedTensor = { dtype: 'int64', shape: [1], base64: 'BwAAAAAAAAA=' };
    const one: Manifest = {
      ...manifest,
      outputs: [{ name: 'y', dtype: 'int64', shape: [1] }],
      knownAnswers: [{ title: 'seven', inputs: {}, outputs: { y: answer }, tolerance: 0 }],
    };
    const given = (value: bigint) => {
      const { route } = routeThatGives({
        type: 'int64',
        shape: [1],
        data: BigInt64Array.of(value),
      });
      Object.assign(route.model.outputs[0]!, { type: 'int64' });
      return selfTest(route, one, fp32);
    };
    await given(7n);
    await expect(given(8n)).rejects.toThrow(wrong('off by 1'));
  });
});

describe('toNumbers', () => {
  it('reads halves', () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0xfe00, 0x8000);
    const found = [...toNumbers('float16', bits)];
    expect(found).toEqual([1, -2, 2 ** -24, 65504, Infinity, NaN, -0]);
  });

  it('reads bfloat16', () => {
    expect([...toNumbers('bfloat16', Uint16Array.of(0x3f80, 0xc000))]).toEqual([1, -2]);
  });

  it('leaves the others as they are', () => {
    const data = Uint8Array.of(1, 2);
    expect(toNumbers('uint8', data)).toBe(data);
    expect([...toNumbers('uint64', BigUint64Array.of(5n))]).toEqual([5]);
  });
});
