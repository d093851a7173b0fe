// Single layers that are quantized beside the float model, in one file, against a file for each.
import { describe, expect, it } from 'vitest';
import { Model } from '../../../quantize/model.js';
import { uint8Affine } from '../../../quantize/ranges/affine.js';
import { writeBranches } from '../../../quantize/static/branches.js';
import { layerOf } from '../../../quantize/static/layers.js';
import { writeQdq, type Affines } from '../../../quantize/static/write_qdq.js';
import { noise, runOurs, type Floats } from './engines.js';
import { encodeModel, graph, node, noisyWeight, tensor, value } from './onnx.js';

const K = 16;
const body = (name: string) =>
  graph({
    inputs: [],
    outputs: [value(name, 'float32', [2, K])],
    nodes: [node('Neg', ['r'], [name])],
  });
const bytes = encodeModel({
  opset: 13,
  inputs: [value('x', 'float32', [2, K])],
  outputs: [value('y', 'float32', [2, K]), value('early', 'float32', [2, K])],
  initializers: [noisyWeight('w', [K, K], 2), noisyWeight('v', [K, K], 3)],
  nodes: [
    node('MatMul', ['x', 'w'], ['a'], {}, { name: 'first' }),
    node('Relu', ['a'], ['r']),
    node('Neg', ['r'], ['early']),
    node('MatMul', ['r', 'v'], ['b'], {}, { name: 'second' }),
    node('Constant', [], ['yes'], { value: tensor('', 'bool', [], [1]) }),
    node('If', ['yes'], ['c'], { then_branch: body('t'), else_branch: body('e') }),
    node('Add', ['b', 'x'], ['s']),
    node('Add', ['s', 'c'], ['d']),
    node('MatMul', ['d', 'w'], ['y'], {}, { name: 'third' }),
  ],
});
const feeds = { x: { shape: [2, K], data: noise(2 * K) } satisfies Floats };

const affine = (size: number) => uint8Affine({ min: -size, max: size });
interface Case {
  readonly layer: string;
  readonly affines: Affines;
  /** Outputs that it changes. */
  readonly changed: readonly string[];
}
const affinesOf = (sizes: Record<string, number>): Affines =>
  new Map(Object.entries(sizes).map(([name, size]) => [name, affine(size)]));
const CASES: readonly Case[] = [
  { layer: 'first', affines: affinesOf({ x: 1, r: 3 }), changed: ['y', 'early'] },
  { layer: 'second', affines: affinesOf({ r: 3, b: 4 }), changed: ['y', 'early'] },
  { layer: 'third', affines: affinesOf({ d: 5, y: 9 }), changed: ['y'] },
];

/** The file with this layer quantized only. */
function alone(layer: string, affines: Affines): Uint8Array {
  const model = new Model(bytes);
  const found = layerOf(
    model,
    model.graph.node.find(({ name }) => name === layer)!,
  );
  if (typeof found !== 'object') throw new Error(`${layer} is no layer`);
  writeQdq(model, [found], affines);
  return model.write();
}

describe('branches', () => {
  const model = new Model(bytes);
  const copies = writeBranches(model, CASES, ['y', 'early']);
  const all = runOurs(model.write(), feeds);

  it('leave the float outputs', async () => {
    expect(await all).toMatchObject(await runOurs(bytes, feeds));
  });

  it.each(CASES)('give what a file with $layer alone does', async (branch) => {
    const names = copies[CASES.indexOf(branch)]!;
    const expected = await runOurs(alone(branch.layer, branch.affines), feeds);
    const float = await runOurs(bytes, feeds);
    expect(['y', 'early'].filter((name) => names.has(name))).toEqual(branch.changed);
    for (const output of branch.changed) {
      expect((await all)[names.get(output)!]).toEqual(expected[output]);
      expect(expected[output]).not.toEqual(float[output]);
    }
  });

  it('share the nodes that nothing changes, and weights', () => {
    const count = (type: string) => model.graph.node.filter(({ opType }) => opType === type).length;
    // All three in the float model; then those from the layer on.
    expect(count('MatMul')).toBe(3 + 3 + 2 + 1);
    expect(model.graph.initializer.filter(({ name }) => name === 'w')).toHaveLength(1);
  });
});
