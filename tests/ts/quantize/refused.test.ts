// What quantize refuses whatever the precision is: models that are not whole, and arguments that are none.
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { quantize, type QuantizeOptions } from '../../../quantize/index.js';
import { Model } from '../../../quantize/model.js';
import { FunctionProtoSchema } from '../../../quantize/onnx_pb.generated.js';
import { makeNode } from '../../../quantize/nodes.js';
import { encodeModel, graph, node, noisyWeight, value } from './onnx.js';

const K = 16;
type Parts = Partial<Parameters<typeof encodeModel>[0]>;
const model = (parts: Parts = {}) =>
  encodeModel({
    inputs: [value('x', 'float32', [1, K]), value('yes', 'bool', [])],
    outputs: [value('y', 'float32', [1, K])],
    initializers: [noisyWeight('w', [K, K])],
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
    ...parts,
  });

const body = graph({
  inputs: [],
  outputs: [value('inner', 'float32', [1, K])],
  nodes: [node('Relu', ['nowhere'], ['inner'])],
});

/** The model calls a function that quantizes. */
function quantizedInside(): Uint8Array {
  const changed = new Model(model());
  const inner = makeNode('QuantizeLinear', ['a', 'b'], ['c'], { name: 'inside' });
  changed.proto.functions.push(
    create(FunctionProtoSchema, { name: 'f', domain: 'own', node: [inner] }),
  );
  return changed.write();
}

const MODELS: [string, Uint8Array, object][] = [
  [
    'a weight that nothing produces',
    model({ initializers: [] }),
    { code: 'GRAPH_INPUT_MISSING', where: { node: 'MatMul_y', operator: 'MatMul', tensor: 'w' } },
  ],
  [
    'an output that nothing produces',
    model({ outputs: [value('z', 'float32', [1, K])] }),
    { code: 'GRAPH_INPUT_MISSING', where: { tensor: 'z' } },
  ],
  [
    'a body that reads what nothing produces',
    model({
      nodes: [
        node('MatMul', ['x', 'w'], ['a']),
        node('If', ['yes'], ['y'], { then_branch: body, else_branch: body }),
      ],
    }),
    { code: 'GRAPH_INPUT_MISSING', where: { operator: 'If', tensor: 'nowhere' } },
  ],
  [
    'a function that is quantized',
    quantizedInside(),
    { code: 'MODEL_QUANTIZED', where: { node: 'inside', operator: 'QuantizeLinear' } },
  ],
];

const OPTIONS: QuantizeOptions[] = [
  { precision: 'int8' },
  { precision: 'int8', calibration: { samples: 'random' } },
  { precision: 'int4', group: 16 },
  { precision: 'fp16' },
];

describe.each(OPTIONS)('quantize $precision refuses', (options) => {
  it.each(MODELS)('%s', async (_, bytes, error) => {
    await expect(quantize(bytes, options)).rejects.toMatchObject(error);
  });
});

describe('quantize refuses', () => {
  it.each([
    ['a model that is no bytes', model().buffer, {}, 'bytes'],
    ['an unknown precision', model(), { precision: 'int2' }, 'precision'],
    ['an unknown option', model(), { groupSize: 32 }, 'options.groupSize'],
    ['calibration that is no object', model(), { calibration: 'random' }, 'calibration'],
    ['names that are no list', model(), { keep: 'first' }, 'keep'],
    ['a file that is no bytes', model(), { externalData: { 'w.bin': 'w.bin' } }, 'externalData'],
    ['a file too many', model(), { externalData: { 'w.bin': model() } }, 'externalData'],
  ])('%s', async (_, bytes, options, field) => {
    const given = { precision: 'int8', ...options } as QuantizeOptions;
    await expect(quantize(bytes as Uint8Array, given)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: { field },
    });
  });

  it.each([undefined, null, 'int8', []])('the options %j', async (options) => {
    const refused = quantize(model(), options as unknown as QuantizeOptions);
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: { field: 'options' },
    });
  });
});
