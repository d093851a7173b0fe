import { describe, expect, it, vi } from 'vitest';
import { fromHalf, toHalf } from '../../../quantize/half.js';
import { quantize } from '../../../quantize/index.js';
import { Model } from '../../../quantize/model.js';
import { FLOAT, FLOAT16 } from '../../../quantize/tensor_data.js';
import { cosine, noise, runOurs, runTheirs, type Feeds } from './engines.js';
import { encodeModel, graph, node, noisyWeight, tensor, value } from './onnx.js';

vi.setConfig({ testTimeout: 60_000 });

type Parts = Partial<Parameters<typeof encodeModel>[0]>;
const SHAPE = [1, 3, 8, 8];
const x = { shape: SHAPE, data: noise(192, 5) };
const f32 = (name: string, dims: number[] = SHAPE) => value(name, 'float32', dims);

const model = (parts: Parts) =>
  encodeModel({
    inputs: [f32('x')],
    outputs: [f32('y')],
    initializers: [noisyWeight('w', [3, 3, 3, 3])],
    nodes: [node('Conv', ['x', 'w'], ['y'], { pads: [1, 1, 1, 1] })],
    ...parts,
  });

const conv = (to: string) => node('Conv', ['x', 'w'], [to], { pads: [1, 1, 1, 1] });
const scalar = (name: string, number: number) => tensor(name, 'float32', [], [number]);
const branch = (operator: string) =>
  graph({
    inputs: [],
    outputs: [f32('inner')],
    nodes: [node(operator, ['a'], ['inner'])],
  });

const CASES: Record<string, Uint8Array> = {
  'a Conv': model({}),
  'a chain with a Resize, whose scales are floats': model({
    initializers: [
      noisyWeight('w', [3, 3, 3, 3]),
      noisyWeight('scale', [3], 2),
      noisyWeight('bias', [3], 3),
      tensor('var', 'float32', [3], [1, 2, 3]),
      tensor('up', 'float32', [4], [1, 1, 2, 2]),
      tensor('shape', 'int64', [2], [3n, 256n]),
    ],
    nodes: [
      conv('a'),
      node('BatchNormalization', ['a', 'scale', 'bias', 'bias', 'var'], ['b']),
      node('Relu', ['b'], ['c']),
      node('Resize', ['c', '', 'up'], ['d'], { mode: 'nearest' }),
      node('Reshape', ['d', 'shape'], ['e']),
      node('Softmax', ['e'], ['y'], { axis: 1 }),
    ],
    outputs: [f32('y', [3, 256])],
  }),
  'an inner value that is an output too': model({
    nodes: [conv('a'), node('Relu', ['a'], ['y'])],
    outputs: [f32('a'), f32('y')],
  }),
  'a value that a body reads': model({
    initializers: [noisyWeight('w', [3, 3, 3, 3]), tensor('yes', 'bool', [], [1])],
    nodes: [
      conv('a'),
      node('If', ['yes'], ['b'], { then_branch: branch('Abs'), else_branch: branch('Neg') }),
      node('Add', ['a', 'b'], ['y']),
    ],
  }),
  'integers between floats': model({
    nodes: [
      conv('a'),
      node('Cast', ['a'], ['i'], { to: 7 }),
      node('Add', ['i', 'i'], ['j']),
      node('Cast', ['j'], ['b'], { to: FLOAT }),
      node('Sub', ['a', 'b'], ['y']),
    ],
  }),
  'weights that two nodes share': model({
    nodes: [conv('a'), node('Conv', ['a', 'w'], ['y'], { pads: [1, 1, 1, 1] })],
  }),
  'an older opset': model({
    opset: 9,
    nodes: [conv('a'), node('Slice', ['a'], ['y'], { starts: [0], ends: [2], axes: [1] })],
    outputs: [f32('y', [1, 2, 8, 8])],
  }),
};

const operators = (bytes: Uint8Array) => new Model(bytes).graph.node.map(({ opType }) => opType);

async function expectAlike(bytes: Uint8Array, feeds: Feeds = { x }) {
  const { model: small, report } = await quantize(bytes, { precision: 'fp16' });
  const floats = await runOurs(bytes, feeds);
  for (const found of [await runOurs(small, feeds), await runTheirs(small, feeds)]) {
    expect(Object.keys(found)).toEqual(Object.keys(floats));
    for (const [name, numbers] of Object.entries(found)) {
      expect(cosine(numbers, floats[name]!)).toBeGreaterThan(0.9999);
    }
  }
  return { small, report };
}

describe('halves', () => {
  it('are what their bits say', () => {
    for (let half = 0; half < 0x10000; half++) {
      const number = fromHalf(half);
      if (Number.isNaN(number)) expect(toHalf(number) & 0x7fff).toBe(0x7e00);
      else if (toHalf(number) !== half) throw new Error(`${half} became ${toHalf(number)}`);
    }
  });

  it('are rounded to the nearest, of two to the even one', () => {
    for (let half = 0; half < 0x7bff; half++) {
      const [low, high] = [fromHalf(half), fromHalf(half + 1)];
      const middle = (low + high) / 2;
      const even = half % 2 === 0 ? half : half + 1;
      const near = (high - low) / 1000;
      const found = [middle, middle - near, middle + near, -middle].map(toHalf);
      const expected = [even, half, half + 1, 0x8000 | even];
      if (found.join() !== expected.join()) throw new Error(`${middle}: ${found.join()}`);
    }
    expect([65519.9, 65520, 1e9, -Infinity].map(toHalf)).toEqual([0x7bff, 0x7c00, 0x7c00, 0xfc00]);
  });
});

describe('fp16', () => {
  it.each(Object.entries(CASES))('%s: like the floats, in both engines', async (_, bytes) => {
    const { small } = await expectAlike(bytes);
    const { graph: written } = new Model(small);
    const types = [...written.input, ...written.output].map(
      ({ type }) => type!.tensorType!.elemType,
    );
    expect(new Set(types)).toEqual(new Set([FLOAT]));
    expect(written.initializer.some(({ dataType }) => dataType === FLOAT16)).toBe(true);
    expect(written.initializer.some(({ name }) => name === 'w')).toBe(false);
  });

  it('writes Casts at the ends only', async () => {
    const nodes = [conv('a'), node('Relu', ['a'], ['b']), node('Neg', ['b'], ['y'])];
    const { model: small } = await quantize(model({ nodes }), { precision: 'fp16' });
    expect(operators(small)).toEqual(['Cast', 'Conv', 'Relu', 'Neg', 'Cast']);
  });

  it.each([
    ['Max', 'an epsilon that would be 0', 1e-12, /near to 0/],
    ['Div', 'a number above 65504', 1e6, /above 65504/],
    ['Add', 'a number above 65504', 70_000, /above 65504/],
  ])('leaves %s with %s as it is', async (operator, _, number, reason) => {
    const bytes = model({
      initializers: [noisyWeight('w', [3, 3, 3, 3]), scalar('c', number)],
      nodes: [conv('a'), node(operator, ['a', 'c'], ['y'])],
    });
    const { report, small } = await expectAlike(bytes);
    expect(report.kept).toMatchObject([
      { operator, reason: expect.stringMatching(reason) as string },
    ]);
    expect(operators(small)).toEqual(['Cast', 'Conv', 'Cast', operator]);
  });

  it.each([-1e8, -1e9, -3.4028234663852886e38])(
    'a row that %d masks as a whole',
    async (number) => {
      const bytes = model({
        inputs: [f32('x'), f32('m')],
        initializers: [
          noisyWeight('w', [3, 3, 3, 3]),
          scalar('c', number),
          scalar('zero', 0),
          scalar('low', -1e6),
        ],
        nodes: [
          conv('a'),
          node('Cast', ['m'], ['hidden'], { to: 9 }),
          node('Where', ['hidden', 'c', 'zero'], ['mask']),
          node('Add', ['a', 'mask'], ['scores']),
          node('Max', ['scores', 'low'], ['some']),
          node('Softmax', ['some'], ['y'], { axis: -1 }),
        ],
      });
      const mask = Float32Array.from({ length: 192 }, (_, i) => (i < 8 || i % 3 === 0 ? 1 : 0));
      const feeds = { x, m: { shape: SHAPE, data: mask } };
      const { model: small, report } = await quantize(bytes, { precision: 'fp16' });
      expect(report.kept).toEqual([]);
      // All numbers of the first row lose against the mask in floats too.
      const floats = await runOurs(bytes, feeds);
      for (const found of [await runOurs(small, feeds), await runTheirs(small, feeds)]) {
        expect(found.y!.every(Number.isFinite)).toBe(true);
        expect(cosine(found.y!.slice(8), floats.y!.slice(8))).toBeGreaterThan(0.9999);
      }
    },
  );

  it('keeps infinities', async () => {
    const bytes = model({
      initializers: [noisyWeight('w', [3, 3, 3, 3]), scalar('c', -Infinity)],
      nodes: [conv('a'), node('Max', ['a', 'c'], ['y'])],
    });
    expect((await expectAlike(bytes)).report.kept).toEqual([]);
  });

  it('leaves what is to be kept, and what it does not know', async () => {
    const nodes = [
      conv('a'),
      node('Mystery', ['a'], ['b'], {}, { domain: 'org.example' }),
      node('Add', ['b', 'a'], ['c'], {}, { name: 'sum' }),
      node('Relu', ['c'], ['y'], {}, { name: 'last' }),
    ];
    const bytes = model({ nodes, domains: { 'org.example': 1 } });
    const { model: small, report } = await quantize(bytes, { precision: 'fp16', keep: ['last'] });
    expect(operators(small)).toEqual(['Cast', 'Conv', 'Cast', 'Mystery', 'Add', 'Relu']);
    expect(report.kept).toMatchObject([
      { node: 'sum', reason: 'the type of b is not known to be float32' },
      { node: 'last', reason: 'it is to be kept' },
    ]);
  });
});
