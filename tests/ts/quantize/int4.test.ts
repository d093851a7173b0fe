import { describe, expect, it, vi } from 'vitest';
import { quantize, type QuantizeOptions } from '../../../quantize/index.js';
import { Model } from '../../../quantize/model.js';
import { intOf } from '../../../quantize/nodes.js';
import { elementsOf } from '../../../quantize/tensor_data.js';
import { cosine, noise, runOurs, runTheirs } from './engines.js';
import { encodeModel, float, node, tensor, value } from './onnx.js';

vi.setConfig({ testTimeout: 60_000 });

/** K is no multiple of a group. */
const [K, N] = [72, 20];
const x = { shape: [3, K], data: noise(3 * K, 7) };
const weights = noise(K * N);

type Parts = Partial<Parameters<typeof encodeModel>[0]>;
const model = (parts: Parts) =>
  encodeModel({
    inputs: [value('x', 'float32', [3, K])],
    outputs: [value('y', 'float32', [3, N])],
    initializers: [tensor('w', 'float32', [K, N], weights)],
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
    ...parts,
  });

/** Activations stay floats, so that results are those of the definition. */
const int4 = (bytes: Uint8Array, options: Partial<QuantizeOptions> = {}) =>
  quantize(bytes, { precision: 'int4', accuracyLevel: 0, ...options });

const turned = Float32Array.from(weights, (_, i) => weights[(i % K) * N + Math.floor(i / K)]!);
const gemm = model({
  initializers: [tensor('w', 'float32', [N, K], turned), tensor('b', 'float32', [N], noise(N, 3))],
  nodes: [node('Gemm', ['x', 'w', 'b'], ['y'], { transB: 1, alpha: float(-0.5) })],
});

/** The embeddings of 5 words, times the table again. */
const words = (width: number) =>
  encodeModel({
    inputs: [value('x', 'float32', [5])],
    outputs: [value('rows', 'float32', [5, width]), value('y', 'float32', [5, 10])],
    initializers: [tensor('table', 'float32', [10, width], noise(10 * width))],
    nodes: [
      node('Cast', ['x'], ['ids'], { to: 7 }),
      node('Gather', ['table', 'ids'], ['rows']),
      node('Transpose', ['table'], ['turned']),
      node('MatMul', ['rows', 'turned'], ['y']),
    ],
  });
const ids = { shape: [5], data: Float32Array.of(9, 0, 3, 3, 1) };

/** What the integers stand for: a plain reading of MatMulNBits' definition. */
function unpacked(bytes: Uint8Array, group: number): number[] {
  const written = new Model(bytes);
  const of = (suffix: string) => {
    const stored = written.constant(`w_${suffix}`);
    return stored && elementsOf(stored);
  };
  const [packed, scales, zeros] = [of('int4')!, of('scale')!, of('zero_point')];
  const groups = Math.ceil(K / group);
  return Array.from({ length: K * N }, (_, i) => {
    const [row, column] = [Math.floor(i / N), i % N];
    const at = column * groups * group + row;
    const nibble = (data: typeof packed, j: number) => (Number(data[j >> 1]) >> (4 * (j & 1))) & 15;
    const block = Math.floor(row / group);
    const zeroRow = 2 * Math.ceil(groups / 2);
    const zero = zeros ? nibble(zeros, column * zeroRow + block) : 8;
    return (nibble(packed, at) - zero) * Number(scales[column * groups + block]);
  });
}

describe('int4', () => {
  it.each([
    [16, false],
    [32, false],
    [32, true],
    [64, true],
    [256, false],
  ])('groups of %i, zero points: %s', async (group, zeroPoints) => {
    const { model: small, report } = await int4(model({}), { group, zeroPoints });
    const { y: floats } = await runOurs(model({}), { x });
    const w = unpacked(small, group);
    const rounded = model({ initializers: [tensor('w', 'float32', [K, N], w)] });
    const { y: expected } = await runOurs(rounded, { x });
    const { y: ours } = await runOurs(small, { x });
    const { y: theirs } = await runTheirs(small, { x });
    expect(cosine(expected!, floats!)).toBeGreaterThan(0.99);
    for (const [i, number] of expected!.entries()) {
      expect(ours![i]).toBeCloseTo(number, 4);
      expect(theirs![i]).toBeCloseTo(number, 4);
    }
    let [signal, error] = [0, 0];
    for (const [i, number] of weights.entries()) {
      signal += number ** 2;
      error += (number - w[i]!) ** 2;
    }
    expect(report.layers[0]!.weightSqnr).toBeCloseTo(10 * Math.log10(signal / error), 2);
  });

  it.each([
    [undefined, 4],
    [4, 4],
    [0, 0],
  ] as const)('accuracy level %s', async (accuracyLevel, written) => {
    const options = { precision: 'int4', ...(accuracyLevel !== undefined && { accuracyLevel }) };
    const { model: small } = await quantize(model({}), options as QuantizeOptions);
    const [product] = new Model(small).graph.node;
    expect([product!.opType, intOf(product!, 'accuracy_level', 0)]).toEqual([
      'MatMulNBits',
      written,
    ]);
    const { y: floats } = await runOurs(model({}), { x });
    for (const run of [runOurs, runTheirs]) {
      expect(cosine((await run(small, { x })).y!, floats!)).toBeGreaterThan(0.99);
    }
  });

  it('a Gemm and its bias', async () => {
    const { model: small } = await int4(gemm);
    const { y: floats } = await runOurs(gemm, { x });
    const { y: ours } = await runOurs(small, { x });
    const { y: theirs } = await runTheirs(small, { x });
    expect(cosine(ours!, floats!)).toBeGreaterThan(0.99);
    for (const [i, number] of ours!.entries()) expect(theirs![i]).toBeCloseTo(number, 4);
  });

  it.each([
    [16, 16, false],
    [40, 16, true],
    [64, 32, false],
  ])('a table of rows of %i, in groups of %i', async (width, group, zeroPoints) => {
    const { model: small, report } = await int4(words(width), { group, zeroPoints });
    expect(report.layers.map(({ operator }) => operator).sort()).toEqual(['Gather', 'MatMul']);
    expect(new Model(small).constant('table')).toBeUndefined();
    const floats = await runOurs(words(width), { x: ids });
    const [ours, theirs] = [await runOurs(small, { x: ids }), await runTheirs(small, { x: ids })];
    for (const name of ['rows', 'y']) {
      expect(cosine(ours[name]!, floats[name]!)).toBeGreaterThan(0.99);
      for (const [i, number] of ours[name]!.entries()) {
        expect(theirs[name]![i]).toBeCloseTo(number, 4);
      }
    }
  });

  it('a group of zeros, and one of a single number', async () => {
    const data = new Float32Array(K * N);
    data[5] = -3;
    const bytes = model({ initializers: [tensor('w', 'float32', [K, N], data)] });
    for (const zeroPoints of [false, true]) {
      const w = unpacked((await int4(bytes, { zeroPoints })).model, 32);
      expect(w[5]).toBeCloseTo(-3, 5);
      expect(w.filter((number) => number !== 0)).toHaveLength(1);
    }
  });

  it('leaves tables whose rows do not fit, and says so', async () => {
    const { report } = await int4(words(17));
    expect(report.layers.map(({ operator }) => operator)).toEqual(['MatMul']);
    expect(report.kept).toMatchObject([
      { operator: 'Gather', reason: expect.stringContaining('odd') as string },
    ]);
    await expect(int4(words(8))).rejects.toMatchObject({
      code: 'NOTHING_TO_QUANTIZE',
      where: { node: 'MatMul_y' },
    });
  });

  it('refuses groups that the operators do not take, and options of another precision', async () => {
    const wrong: object[] = [
      { group: 8 },
      { group: 33 },
      { group: 512 },
      { group: NaN },
      { precision: 'int8', accuracyLevel: undefined, group: 32 },
      { precision: 'int8', accuracyLevel: undefined, zeroPoints: true },
      { precision: 'fp16' },
      { accuracyLevel: 1 },
    ];
    for (const options of wrong) {
      await expect(int4(model({}), options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });
});
