import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SardonyxError } from '../../../web/index.js';
import { Model } from '../../../quantize/model.js';
import { elementsOf } from '../../../quantize/tensor_data.js';
import { valuesModel } from '../models.js';
import { encodeModel, graph, node, tensor, value } from './onnx.js';

interface Generator {
  readonly generate: () => Promise<Record<string, string>>;
}
const script = '../../../tools/generate_onnx_messages.mjs';
const { generate } = (await import(script)) as Generator;

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof SardonyxError) return thrown.code;
    throw thrown;
  }
  return 'none';
};

const small = (parts: object = {}) =>
  encodeModel({
    inputs: [value('x', 'float32', [2])],
    outputs: [value('y', 'float32', [2])],
    initializers: [tensor('w', 'float32', [2], [1, 2]), tensor('spare', 'float32', [1], [1])],
    nodes: [node('Add', ['x', 'w'], ['y'])],
    ...parts,
  });

const outside = (entries: Record<string, string>) =>
  small({
    initializers: [
      {
        ...tensor('w', 'float32', [2], []),
        dataLocation: 1,
        externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
      },
    ],
  });

it('tools/generate_onnx_messages.mjs wrote the file that is in the repository', async () => {
  for (const [file, text] of Object.entries(await generate())) {
    expect(readFileSync(file, 'utf8') === text, `${file}: type: node ${script.slice(9)}`).toBe(
      true,
    );
  }
});

describe('Model', () => {
  it('keeps what it does not know', () => {
    // Sequences and optionals are no part of quantize/onnx.proto, metadata neither.
    const bytes = Uint8Array.from([...valuesModel(), 0x72, 6, 0x0a, 1, 0x6b, 0x12, 1, 0x76]);
    const again = new Model(new Model(bytes).write());
    expect(again.write()).toEqual(new Model(bytes).write());
    expect(Buffer.from(again.write()).includes(Buffer.from([0x72, 6, 0x0a, 1, 0x6b]))).toBe(true);
    const length = new Model(bytes).write().length;
    expect(Math.abs(length - bytes.length)).toBeLessThan(20);
  });

  it('reads elements from each field that may have them', () => {
    const fields = [
      ['float32', { floatData: [1, 2] }],
      ['float16', { int32Data: [0x3c00, 0x4000] }],
      ['int8', { int32Data: [-1, 2] }],
      ['int64', { int64Data: [1, 2] }],
      ['float64', { doubleData: [1, 2] }],
      ['uint32', { uint64Data: [1, 2] }],
    ] as const;
    const read = fields.map(([dtype, data]) => {
      const { rawData: _, ...rest } = tensor('w', dtype, [2], []);
      const model = new Model(small({ initializers: [{ ...rest, ...data }] }));
      return elementsOf(model.constant('w')!);
    });
    expect(read).toEqual([
      Float32Array.of(1, 2),
      Uint16Array.of(0x3c00, 0x4000),
      Int8Array.of(-1, 2),
      BigInt64Array.of(1n, 2n),
      Float64Array.of(1, 2),
      Uint32Array.of(1, 2),
    ]);
  });

  it('takes external data by name, offset and length', () => {
    const weights = Uint8Array.of(9, 9, ...new Uint8Array(Float32Array.of(3, 4).buffer), 9);
    const bytes = outside({ location: 'w.bin', offset: '2', length: '8' });
    const model = new Model(new Model(bytes, { 'w.bin': weights }).write());
    expect(elementsOf(model.constant('w')!)).toEqual(Float32Array.of(3, 4));
  });

  it('makes initializers of Constant nodes', () => {
    const { graph: written } = new Model(
      small({
        nodes: [
          node('Constant', [], ['c'], { value: tensor('', 'float32', [2], [5, 6]) }),
          node('Add', ['x', 'c'], ['y']),
        ],
      }),
    );
    expect(written.node.map(({ opType }) => opType)).toEqual(['Add']);
    expect(written.initializer.map(({ name }) => name)).toContain('c');
  });

  it('drops nodes and initializers that nobody reads, not those that a body reads', () => {
    const body = graph({
      inputs: [],
      outputs: [value('inner', 'float32', [1])],
      nodes: [node('Identity', ['spare'], ['inner'])],
    });
    const names = (parts: object) => {
      const model = new Model(small(parts));
      model.removeUnused();
      return model.graph.initializer.map(({ name }) => name);
    };
    expect(names({})).toEqual(['w']);
    const dead = [node('Neg', ['spare'], ['a']), node('Abs', ['a'], ['b'])];
    expect(names({ nodes: [...dead, node('Add', ['x', 'w'], ['y'])] })).toEqual(['w']);
    const nodes = [
      node('If', ['c'], ['z'], { then_branch: body, else_branch: body }),
      node('Concat', ['z', 'w'], ['y'], { axis: 0 }),
    ];
    expect(names({ nodes, inputs: [value('c', 'bool', []), value('x', 'float32', [2])] })).toEqual([
      'w',
      'spare',
    ]);
  });

  it('gives names that nothing has', () => {
    const model = new Model(small());
    expect(['w', 'y', 'Add_y', 'new', 'new'].map((name) => model.freshName(name))).toEqual([
      'w_2',
      'y_2',
      'Add_y_2',
      'new',
      'new_2',
    ]);
    const long = 'a;'.repeat(100);
    expect([long, long].map((name) => model.freshName(name, 'scale'))).toEqual([
      `${long.slice(0, 48)}_scale`,
      `${long.slice(0, 48)}_scale_2`,
    ]);
  });

  it.each([
    ['no bytes', new Uint8Array(), 'MODEL_EMPTY'],
    ['text', new TextEncoder().encode('<!doctype html>'), 'MODEL_MALFORMED'],
    ['a part of a model', small().subarray(0, 60), 'MODEL_MALFORMED'],
    ['a model without a graph', Uint8Array.of(8, 8), 'MODEL_MALFORMED'],
    ['no external data', outside({ location: 'w.bin' }), 'EXTERNAL_DATA_MISSING'],
    [
      'external data named like a property',
      outside({ location: 'toString' }),
      'EXTERNAL_DATA_MISSING',
    ],
  ])('refuses %s', (_, bytes, code) => {
    expect(codeOf(() => new Model(bytes))).toBe(code);
  });

  it.each([
    ['an offset behind the end', { offset: '8' }],
    ['a negative offset', { offset: '-4' }],
    ['a length beyond the end', { length: '16' }],
    ['a length that is no number', { length: 'x' }],
  ])('refuses external data with %s', (_, entries) => {
    const bytes = outside({ location: 'w.bin', ...entries });
    const files = { 'w.bin': new Uint8Array(8) };
    expect(codeOf(() => new Model(bytes, files))).toBe('EXTERNAL_DATA_INVALID');
  });

  it.each([
    ['too few bytes', tensor('w', 'float32', [3], [1, 2]), 'TENSOR_PAYLOAD'],
    ['a negative dim', tensor('w', 'float32', [-2], [1, 2]), 'TENSOR_DIMS'],
    ['too many elements', tensor('w', 'float32', [2 ** 40, 2 ** 40], [1]), 'LIMIT_EXCEEDED'],
    [
      'an unknown type',
      { ...tensor('w', 'float32', [2], [1, 2]), dataType: 99 },
      'DTYPE_UNSUPPORTED',
    ],
  ])('refuses a tensor with %s', (_, initializer, code) => {
    const model = new Model(small({ initializers: [initializer] }));
    expect(codeOf(() => elementsOf(model.constant('w')!))).toBe(code);
  });
});
