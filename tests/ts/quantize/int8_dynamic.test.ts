import { describe, expect, it, vi } from 'vitest';
import type { SardonyxError } from '../../../web/index.js';
import { quantize } from '../../../quantize/index.js';
import { Model } from '../../../quantize/model.js';
import { cosine, noise, runOurs, runTheirs } from './engines.js';
import { encodeModel, float, graph, node, tensor, value } from './onnx.js';

vi.setConfig({ testTimeout: 60_000 });

const [K, N] = [40, 24];
const x = { shape: [3, K], data: noise(3 * K, 7) };
const weights = noise(K * N);
const bias = noise(N, 3);

type Parts = Partial<Parameters<typeof encodeModel>[0]>;
const model = (parts: Parts) =>
  encodeModel({
    opset: 11,
    inputs: [value('x', 'float32', [3, K])],
    outputs: [value('y', 'float32', [3, N])],
    initializers: [tensor('w', 'float32', [K, N], weights)],
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
    ...parts,
  });

const operators = (bytes: Uint8Array) => new Model(bytes).graph.node.map(({ opType }) => opType);
const int8 = (bytes: Uint8Array, keep: string[] = []) =>
  quantize(bytes, { precision: 'int8', keep });

const turned = (data: Float32Array, rows: number, columns: number) =>
  Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);

const gemm = (attributes: Record<string, unknown>, w = tensor('w', 'float32', [K, N], weights)) =>
  model({
    initializers: [w, tensor('b', 'float32', [N], bias)],
    nodes: [node('Gemm', ['x', 'w', 'b'], ['y'], attributes)],
  });

const CASES: Record<string, Uint8Array> = {
  MatMul: model({}),
  Gemm: gemm({}),
  'Gemm, transposed and scaled': gemm(
    { transB: 1, alpha: float(0.5), beta: float(-2) },
    tensor('w', 'float32', [N, K], turned(weights, K, N)),
  ),
  'a Transpose before it': model({
    initializers: [tensor('w', 'float32', [N, K], turned(weights, K, N))],
    nodes: [node('Transpose', ['w'], ['t']), node('MatMul', ['x', 't'], ['y'])],
  }),
  'an older opset and weights among the inputs': model({
    opset: 9,
    irVersion: 3,
    inputs: [value('x', 'float32', [3, K]), value('w', 'float32', [K, N])],
    nodes: [
      node('Slice', ['x'], ['s'], { starts: [0], ends: [2], axes: [0] }),
      node('MatMul', ['s', 'w'], ['y']),
    ],
    outputs: [value('y', 'float32', [2, N])],
  }),
};

describe('int8 with dynamic activations', () => {
  it.each(Object.entries(CASES))('%s: like the floats, in both engines', async (_, bytes) => {
    const { model: small, report } = await int8(bytes);
    expect(operators(small)).toContain('MatMulInteger');
    expect(operators(small)).not.toContain('MatMul');
    expect(report.layers).toMatchObject([{ weight: 'w', shape: [K, N] }]);
    expect(report.layers[0]!.weightSqnr).toBeGreaterThan(40);
    expect(report.bytesAfter).toBe(small.length);
    const { y: floats } = await runOurs(bytes, { x });
    const { y: ours } = await runOurs(small, { x });
    const { y: theirs } = await runTheirs(small, { x });
    expect(cosine(ours!, floats!)).toBeGreaterThan(0.9995);
    for (const [i, number] of ours!.entries()) expect(number).toBeCloseTo(theirs![i]!, 4);
  });

  it('rounds weights to 127 steps of their column', async () => {
    // The first column is from -51.2 to 254, the second of zeros.
    const data = Float32Array.from({ length: 32 }, (_, i) =>
      i % 2 ? 0 : i ? i * 1.6 - 51.2 : 254,
    );
    const bytes = model({
      inputs: [value('x', 'float32', [1, 16])],
      outputs: [value('y', 'float32', [1, 2])],
      initializers: [tensor('w', 'float32', [16, 2], data)],
    });
    const { graph: written } = new Model((await int8(bytes)).model);
    const [scale, values] = ['w_scale', 'w_int8'].map(
      (name) => written.initializer.find((tensor) => tensor.name === name)!.rawData,
    );
    expect(new Float32Array(scale!.slice().buffer)).toEqual(Float32Array.of(2, 1));
    const expected = Int8Array.from(data, (v) => Math.round(v / 2));
    expect(new Int8Array(values!.slice().buffer)).toEqual(expected);
  });

  it('writes what several nodes share once', async () => {
    const { model: small } = await int8(
      model({
        nodes: [
          node('MatMul', ['x', 'w'], ['a']),
          node('MatMul', ['x', 'w'], ['b']),
          node('Add', ['a', 'b'], ['y']),
        ],
      }),
    );
    expect(operators(small).filter((type) => type === 'DynamicQuantizeLinear')).toHaveLength(1);
    expect(new Model(small).graph.initializer).toHaveLength(2);
  });

  it('keeps a weight of floats that others read', async () => {
    const nodes = [
      node('MatMul', ['x', 'w'], ['y']),
      node('ReduceMean', ['w'], ['mean'], { axes: [0, 1], keepdims: 0 }),
    ];
    const outputs = [value('y', 'float32', [3, N]), value('mean', 'float32', [])];
    const { model: small } = await int8(model({ nodes, outputs }));
    expect(new Model(small).constant('w')).toBeDefined();
    expect((await runTheirs(small, { x })).mean).toHaveLength(1);
  });

  const two = (parts: Parts) =>
    model({
      ...parts,
      nodes: [node('MatMul', ['x', 'w'], ['good']), ...(parts.nodes ?? [])],
      outputs: [value('good', 'float32', [3, N]), ...(parts.outputs ?? [])],
    });
  const withWeight = (dims: number[], values: ArrayLike<number>) =>
    two({
      initializers: [tensor('w', 'float32', [K, N], weights), tensor('v', 'float32', dims, values)],
      nodes: [node('MatMul', ['x', 'v'], ['y'], {}, { name: 'second' })],
      outputs: [value('y', 'float32', [])],
    });
  const body = graph({
    inputs: [],
    outputs: [value('inner', 'float32', [3, N])],
    nodes: [node('MatMul', ['x', 'w'], ['inner'], {}, { name: 'second' })],
  });

  it.each([
    ['one dim', withWeight([K], noise(K)), /1 dims/],
    ['three dims', withWeight([1, K, 2], noise(2 * K)), /3 dims/],
    ['no elements', withWeight([K, 0], []), /empty/],
    ['NaN', withWeight([K, 1], new Float32Array(K).fill(NaN)), /infinite or NaN/],
    ['short sums', withWeight([4, K], noise(4 * K)), /4 products/],
    ['sums that leave int32', withWeight([70_000, 1], new Float32Array(70_000)), /int32/],
    [
      'a body',
      two({
        inputs: [value('x', 'float32', [3, K]), value('c', 'bool', [])],
        nodes: [node('If', ['c'], ['y'], { then_branch: body, else_branch: body })],
      }),
      /body/,
    ],
  ])('leaves a weight with %s as it is, and says so', async (_, bytes, reason) => {
    const { report } = await int8(bytes);
    expect(report.layers).toHaveLength(1);
    expect(report.kept[0]).toMatchObject({
      node: 'second',
      reason: expect.stringMatching(reason) as string,
    });
  });

  it('keeps nodes and operators by name', async () => {
    const nodes = [
      node('MatMul', ['x', 'w'], ['a'], {}, { name: 'first' }),
      node('Gemm', ['x', 'w'], ['b'], {}, { name: 'second' }),
      node('Add', ['a', 'b'], ['y']),
    ];
    const kept = async (...keep: string[]) =>
      (await int8(model({ nodes }), keep)).report.kept.map(({ node: name }) => name);
    expect(await kept('first')).toEqual(['first']);
    expect(await kept('Gemm')).toEqual(['second']);
    await expect(kept('third')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: { field: 'keep' },
    });
  });

  it('tells how far it is, and ends when it is told to', async () => {
    const seen: unknown[] = [];
    await quantize(model({}), { precision: 'int8' }, (progress) => seen.push(progress));
    expect(seen).toEqual([{ phase: 'quantize', done: 0, total: 1, node: 'MatMul_y' }]);
    const aborted = quantize(model({}), { precision: 'int8', signal: AbortSignal.abort('stop') });
    await expect(aborted).rejects.toBe('stop');
  });

  it('refuses what it can not do', async () => {
    const codeOf = (bytes: Uint8Array) =>
      int8(bytes).then(
        () => 'none',
        (thrown: unknown) => (thrown as SardonyxError).code,
      );
    const already = (await int8(model({}))).model;
    const withNothing = model({ nodes: [node('Relu', ['x'], ['y'])] });
    const ancient = model({ opset: 6 });
    const bytes = [already, withNothing, ancient, model({}).subarray(0, 40)];
    expect(await Promise.all(bytes.map(codeOf))).toEqual([
      'MODEL_QUANTIZED',
      'NOTHING_TO_QUANTIZE',
      'MODEL_UNSUPPORTED',
      'MODEL_MALFORMED',
    ]);
    const wrong = quantize(model({}), { precision: 'int7' as 'int8' });
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
