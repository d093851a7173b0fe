import { describe, expect, it, vi } from 'vitest';
import { Model } from '../../../quantize/model.js';
import { raiseOpset } from '../../../quantize/raise_opset.js';
import type { SardonyxError } from '../../../web/index.js';
import { noise, runOurs, runTheirs } from './engines.js';
import { encodeModel, float, graph, node, tensor, value } from './onnx.js';

vi.setConfig({ testTimeout: 60_000 });

const SHAPE = [2, 3, 8, 8];
const x = { shape: SHAPE, data: noise(384, 5) };
type Nodes = ReturnType<typeof node>[];

const model = (opset: number, nodes: Nodes, constants: ReturnType<typeof tensor>[] = []) =>
  encodeModel({
    opset,
    inputs: [value('x', 'float32', SHAPE)],
    outputs: [{ name: 'y', type: { tensorType: { elemType: 1 } } }],
    initializers: constants,
    nodes,
  });
const one = (opset: number, operator: string, attributes: Record<string, unknown>) =>
  model(opset, [node(operator, ['x'], ['y'], attributes)]);

const ones = (name: string) => tensor(name, 'float32', [3], [1, 2, 3]);
const branch = (scale: number) =>
  graph({
    inputs: [],
    outputs: [value('inner', 'float32', SHAPE)],
    nodes: [node('Clip', ['x'], ['inner'], { min: float(-0.25 * scale), max: float(0.5) })],
  });

const CASES: Record<string, Uint8Array> = {
  'Upsample 7': one(7, 'Upsample', { mode: 'nearest', scales: { floats: [1, 1, 2, 2], type: 6 } }),
  'Upsample 9': model(
    9,
    [node('Upsample', ['x', 's'], ['y'], { mode: 'linear' })],
    [tensor('s', 'float32', [4], [1, 1, 2, 2])],
  ),
  'Resize 10': model(
    10,
    [node('Resize', ['x', 's'], ['y'], { mode: 'nearest' })],
    [tensor('s', 'float32', [4], [1, 1, 1.5, 1.5])],
  ),
  'BatchNormalization 7': model(
    7,
    [node('BatchNormalization', ['x', 'a', 'a', 'a', 'a'], ['y'], { spatial: 1 })],
    [ones('a')],
  ),
  'Slice 9': one(9, 'Slice', { starts: [1, -3], ends: [3, 2147483647], axes: [1, 3] }),
  'Slice 9 without axes': one(9, 'Slice', { starts: [1], ends: [2] }),
  'TopK 9': model(9, [node('TopK', ['x'], ['y', 'i'], { axis: 1, k: 2 })]),
  'Clip 10': one(10, 'Clip', { max: float(0.5) }),
  'Pad 10': one(10, 'Pad', { pads: [0, 0, 1, 0, 0, 0, 0, 2], value: float(0.5) }),
  'Dropout 11': one(11, 'Dropout', { ratio: float(0.5) }),
  'Softmax 12 over several dims': one(12, 'Softmax', { axis: 1 }),
  'Softmax 12 by default': one(12, 'Softmax', {}),
  'Softmax 12 over the last dim': one(12, 'Softmax', { axis: -1 }),
  'LogSoftmax 12': one(12, 'LogSoftmax', { axis: 3 }),
  'ReduceSum 12': one(12, 'ReduceSum', { axes: [1, 3], keepdims: 0 }),
  'ReduceSum 12 of all': one(12, 'ReduceSum', {}),
  'Unsqueeze and Squeeze 12': model(12, [
    node('Unsqueeze', ['x'], ['a'], { axes: [0, 2] }),
    node('Squeeze', ['a'], ['y'], { axes: [0] }),
  ]),
  'Split 12': model(12, [node('Split', ['x'], ['y', 'rest'], { axis: 1, split: [1, 2] })]),
  'a body': model(
    10,
    [node('If', ['yes'], ['y'], { then_branch: branch(1), else_branch: branch(2) })],
    [tensor('yes', 'bool', [], [0])],
  ),
};

function raised(bytes: Uint8Array): Model {
  const changed = new Model(bytes);
  raiseOpset(changed, 13);
  return changed;
}

describe('a later opset', () => {
  it.each(Object.entries(CASES))('%s: the same outputs, in both engines', async (_, bytes) => {
    const later = raised(bytes);
    expect(later.opset()).toBe(13);
    const { y: before } = await runOurs(bytes, { x });
    for (const { y: after } of [
      await runOurs(later.write(), { x }),
      await runTheirs(later.write(), { x }),
    ]) {
      expect(after!.length).toBe(before!.length);
      for (const [i, number] of before!.entries()) expect(after![i]).toBeCloseTo(number, 4);
    }
  });

  it('leaves a model that has it as it is', () => {
    const bytes = one(17, 'Softmax', { axis: 1 });
    expect(raised(bytes).write()).toEqual(new Model(bytes).write());
  });

  it.each([
    ['an opset before 7', one(6, 'Relu', {})],
    [
      'no opset',
      encodeModel({ opset: 0, inputs: [], outputs: [], nodes: [node('Relu', ['x'], ['y'])] }),
    ],
    ['a Scan of opset 8', one(8, 'Scan', {})],
    [
      'a BatchNormalization of each place',
      model(7, [node('BatchNormalization', ['x', 'a', 'a', 'a', 'a'], ['y'], { spatial: 0 })]),
    ],
  ])('refuses %s', (_, bytes) => {
    const refusal = () => raised(bytes);
    expect(refusal).toThrow(
      expect.objectContaining({ code: 'MODEL_UNSUPPORTED' }) as SardonyxError,
    );
  });
});
