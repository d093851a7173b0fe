// Models for the tests of the built library.
interface Onnx {
  readonly encodeModel: (model: object) => Uint8Array;
  readonly node: (
    op: string,
    inputs: string[],
    outputs: string[],
    attributes?: Readonly<Record<string, number>>,
    names?: { name: string },
  ) => object;
  readonly tensor: (
    name: string,
    dtype: string,
    dims: number[],
    values: ArrayLike<number>,
  ) => object;
  readonly value: (name: string, dtype: string, dims: (number | string)[]) => object;
  readonly sequence: (of: object) => object;
  readonly optional: (of: object) => object;
}
const script = '../../tools/onnx/model.mjs';
const { encodeModel, node, optional, sequence, tensor, value } = (await import(script)) as Onnx;

// scores = image [batch, 4] · weights [4, 3]; weights[i][j] = i + 10 j.
export const linearModel = () =>
  encodeModel({
    inputs: [value('image', 'float32', ['batch', 4])],
    outputs: [value('scores', 'float32', ['batch', 3])],
    initializers: [
      tensor('weights', 'float32', [4, 3], [0, 10, 20, 1, 11, 21, 2, 12, 22, 3, 13, 23]),
    ],
    nodes: [node('MatMul', ['image', 'weights'], ['scores'])],
  });

// Two products of 64 x 64 weights each.
export function layersModel(): Uint8Array {
  const weights = (phase: number) =>
    Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i * phase));
  return encodeModel({
    inputs: [value('x', 'float32', ['n', 64])],
    outputs: [value('y', 'float32', ['n', 64])],
    initializers: [
      tensor('w1', 'float32', [64, 64], weights(1.3)),
      tensor('w2', 'float32', [64, 64], weights(1.7)),
    ],
    nodes: [
      node('MatMul', ['x', 'w1'], ['a'], {}, { name: 'first' }),
      node('MatMul', ['a', 'w2'], ['y'], {}, { name: 'second' }),
    ],
  });
}

// Words that are joined, a sequence that grows by one, an optional that is asked and given back.
export const valuesModel = () =>
  encodeModel({
    opset: 20,
    inputs: [
      value('words', 'string', ['n']),
      sequence(value('parts', 'float32', ['m'])),
      optional(value('extra', 'float32', [2])),
    ],
    outputs: [
      value('doubled', 'string', ['n']),
      sequence(value('longer', 'float32', ['m'])),
      value('all', 'float32', ['k']),
      value('has', 'bool', []),
      optional(value('same', 'float32', [2])),
    ],
    initializers: [tensor('one', 'float32', [1], [1])],
    nodes: [
      node('StringConcat', ['words', 'words'], ['doubled']),
      node('SequenceInsert', ['parts', 'one'], ['longer']),
      node('ConcatFromSequence', ['longer'], ['all'], { axis: 0 }),
      node('OptionalHasElement', ['extra'], ['has']),
      node('Identity', ['extra'], ['same']),
    ],
  });

// linearModel() with other weights: float16, bytes with a scale, or blocks of four bits.
export function linearVariant(precision: 'fp16' | 'int8' | 'int4'): Uint8Array {
  const weights =
    precision === 'fp16'
      ? tensor('w', 'float16', [4, 3], new Uint8Array(24))
      : tensor('w', 'int8', [4, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  const nodes = {
    fp16: [
      node('Cast', ['w'], ['floats'], { to: 1 }),
      node('MatMul', ['image', 'floats'], ['scores']),
    ],
    int8: [
      node('DequantizeLinear', ['w', 'scale'], ['floats']),
      node('MatMul', ['image', 'floats'], ['scores']),
    ],
    int4: [node('MatMulNBits', ['image', 'w', 'scale'], ['scores'], { bits: 4 })],
  }[precision];
  return encodeModel({
    inputs: [value('image', 'float32', ['batch', 4])],
    outputs: [value('scores', 'float32', ['batch', 3])],
    initializers: [weights, tensor('scale', 'float32', [], [2])],
    nodes,
  });
}

// y = x + 1 and z = relu(x), x of known shape.
export const twoOutputModel = () =>
  encodeModel({
    inputs: [value('x', 'float32', [2, 2])],
    outputs: [value('y', 'float32', [2, 2]), value('z', 'float32', [2, 2])],
    initializers: [tensor('one', 'float32', [1], [1])],
    nodes: [node('Add', ['x', 'one'], ['y']), node('Relu', ['x'], ['z'])],
  });

// `count` products of size x size matrices after each other: a run that takes long.
export const slowModel = (count: number, size: number) =>
  encodeModel({
    inputs: [value('x', 'float32', [size, size])],
    outputs: [value('y', 'float32', [size, size])],
    initializers: [tensor('w', 'float32', [size, size], new Float32Array(size * size))],
    nodes: Array.from({ length: count }, (_, i) =>
      node('MatMul', [i === 0 ? 'x' : `v${i}`, 'w'], [i === count - 1 ? 'y' : `v${i + 1}`]),
    ),
  });

// Gives back what it gets, of four types.
export const typesModel = () => {
  const types = { i64: 'int64', u8: 'uint8', b: 'bool', f64: 'float64' };
  const names = Object.entries(types);
  return encodeModel({
    inputs: names.map(([name, type]) => value(name, type, [2])),
    outputs: names.map(([name, type]) => value(`${name}_out`, type, [2])),
    nodes: names.map(([name]) => node('Identity', [name], [`${name}_out`])),
  });
};

export const unknownOperatorModel = () =>
  encodeModel({
    inputs: [value('x', 'float32', [1])],
    outputs: [value('y', 'float32', [1])],
    nodes: [node('Frobnicate', ['x'], ['y'])],
  });
