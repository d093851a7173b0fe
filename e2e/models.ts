// Models made for the tests. Each is written when a page asks for /models/<name>.onnx.
import {
  encodeModel,
  graph,
  node,
  sequence,
  tensor,
  value,
  type ModelParts,
} from '../tools/onnx/model.mjs';

const x = value('x', 'float32', [1, 4]);
const y = value('y', 'float32', [1, 4]);
const weight = tensor('w', 'float32', [4], [1, 2, 3, 4]);

/** y = relu(x · w), all of shape [1, 4]. */
const small: ModelParts = {
  inputs: [x],
  outputs: [y],
  nodes: [
    node('Mul', ['x', 'w'], ['product'], {}, { name: 'scale' }),
    node('Relu', ['product'], ['y'], {}, { name: 'clamp' }),
  ],
  initializers: [weight],
};

/** Values with a variance that keeps the norm of a vector of `size` through a MatMul. */
function mixing(size: number): Float32Array {
  const scale = Math.sqrt(3 / size);
  let state = 12345;
  return Float32Array.from({ length: size * size }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return scale * (state / 0x40000000 - 1);
  });
}

/** `layers` equal steps of 2 · rows · width² operations. */
function chain(layers: number, width: number): ModelParts {
  const name = (i: number): string => (i === 0 ? 'x' : i === layers ? 'y' : `h${i}`);
  return {
    inputs: [value('x', 'float32', ['rows', width])],
    outputs: [value('y', 'float32', ['rows', width])],
    nodes: Array.from({ length: layers }, (_, i) => node('MatMul', [name(i), 'w'], [name(i + 1)])),
    initializers: [tensor('w', 'float32', [width, width], mixing(width))],
  };
}

/** The small model, with work beside it that adds zero: 6 steps of 34 million operations. */
function busy(): ModelParts {
  const [rows, width, layers] = [64, 512, 6];
  return {
    ...small,
    nodes: [
      node('Mul', ['x', 'w'], ['product']),
      node('Relu', ['product'], ['clamped']),
      node('MatMul', ['x', 'widen'], ['wide']),
      node('Reshape', ['wide', 'rows'], ['h0']),
      ...Array.from({ length: layers }, (_, i) => node('MatMul', [`h${i}`, 'mix'], [`h${i + 1}`])),
      node('ReduceMean', [`h${layers}`], ['mean'], { axes: [0, 1], keepdims: 0 }),
      node('Mul', ['mean', 'zero'], ['nothing']),
      node('Add', ['clamped', 'nothing'], ['y']),
    ],
    initializers: [
      weight,
      tensor('widen', 'float32', [4, rows * width], new Float32Array(4 * rows * width).fill(0.01)),
      tensor('rows', 'int64', [2], [rows, width].map(BigInt)),
      tensor('mix', 'float32', [width, width], mixing(width)),
      tensor('zero', 'float32', [], [0]),
    ],
  };
}

const external: ModelParts = {
  ...small,
  initializers: [
    {
      name: 'w',
      dataType: 1,
      dims: [4],
      dataLocation: 1,
      externalData: [
        { key: 'location', value: 'weights.bin' },
        { key: 'offset', value: '16' },
        { key: 'length', value: '16' },
      ],
    },
  ],
};

/** y = x + count, by a Loop. */
const counting: ModelParts = {
  inputs: [x, value('count', 'int64', [])],
  outputs: [y],
  nodes: [
    node('Loop', ['count', '', 'x'], ['y'], {
      body: graph({
        inputs: [
          value('i', 'int64', []),
          value('condition', 'bool', []),
          value('v', 'float32', [1, 4]),
        ],
        outputs: [value('go_on', 'bool', []), value('next', 'float32', [1, 4])],
        nodes: [node('Identity', ['condition'], ['go_on']), node('Add', ['v', 'one'], ['next'])],
      }),
    }),
  ],
  initializers: [tensor('one', 'float32', [], [1])],
};

const good: Record<string, () => ModelParts> = {
  counting: () => counting,
  // The weight is an input with a default.
  'fed-weight': () => ({ ...small, irVersion: 3, inputs: [x, value('w', 'float32', [4])] }),
  small: () => small,
  busy,
  external: () => external,
  // ~7 ms a step at 512 rows on one thread.
  'many-steps': () => chain(400, 512),
  'some-steps': () => chain(40, 512),
  'one-long-step': () => chain(1, 2048),
  // y = x · xᵀ: the output grows with the square of the input.
  outer: () => ({
    inputs: [value('x', 'float32', ['rows', 1])],
    outputs: [value('y', 'float32', ['rows', 'columns'])],
    nodes: [node('Transpose', ['x'], ['t'], { perm: [1, 0] }), node('MatMul', ['x', 't'], ['y'])],
  }),
  // A row joins those of the runs before.
  growing: () => ({
    inputs: [value('state', 'float32', ['rows', 64]), value('row', 'float32', [1, 64])],
    outputs: [value('longer', 'float32', ['more', 64])],
    nodes: [node('Concat', ['state', 'row'], ['longer'], { axis: 0 })],
  }),
  'two-outputs': () => ({
    ...small,
    outputs: [y, value('product', 'float32', [1, 4])],
  }),
  'all-of-a-kind': () => ({
    inputs: [value('n', 'int64', ['count']), value('b', 'bool', ['count'])],
    outputs: [value('m', 'int64', ['count']), value('c', 'bool', ['count'])],
    nodes: [node('Add', ['n', 'n'], ['m']), node('And', ['b', 'b'], ['c'])],
  }),
  gather: () => ({
    inputs: [value('indices', 'int64', ['count'])],
    outputs: [value('y', 'float32', ['count'])],
    nodes: [node('Gather', ['w', 'indices'], ['y'], {}, { name: 'pick' })],
    initializers: [weight],
  }),
  reshape: () => ({
    inputs: [value('data', 'float32', ['count']), value('shape', 'int64', [2])],
    outputs: [value('y', 'float32', ['rows', 'columns'])],
    nodes: [node('Reshape', ['data', 'shape'], ['y'], {}, { name: 'fold' })],
  }),
  // Words are joined; a sequence gets its own concatenation as its last tensor.
  'strings-and-sequences': () => ({
    opset: 20,
    inputs: [value('words', 'string', ['n']), sequence(value('parts', 'float32', ['m']))],
    outputs: [value('doubled', 'string', ['n']), sequence(value('longer', 'float32', ['m']))],
    nodes: [
      node('StringConcat', ['words', 'words'], ['doubled']),
      node('ConcatFromSequence', ['parts'], ['all'], { axis: 0 }),
      node('SequenceInsert', ['parts', 'all'], ['longer']),
    ],
  }),
  'newer-opset': () => ({ ...small, opset: 99 }),
  'newer-ir': () => ({ ...small, irVersion: 99 }),
};

export interface BadModel {
  /** What the message must name. */
  readonly names: readonly string[];
  readonly code: string;
  readonly bytes: () => Uint8Array;
}

const smallBytes = (changes: Partial<ModelParts>): Uint8Array =>
  encodeModel({ ...small, ...changes });

function randomBytes(count: number): Uint8Array {
  let state = 99;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >> 16;
  });
}

const bad: Record<string, BadModel> = {
  empty: { code: 'MODEL_EMPTY', names: [], bytes: () => new Uint8Array(0) },
  truncated: {
    code: 'MODEL_TRUNCATED',
    names: [],
    bytes: () => {
      const whole = encodeModel(chain(2, 64));
      return whole.slice(0, whole.length - 4096);
    },
  },
  'random bytes': { code: 'MODEL_MALFORMED', names: [], bytes: () => randomBytes(65536) },
  'wrong magic': {
    code: 'MODEL_MALFORMED',
    names: [],
    bytes: () => Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...randomBytes(512)),
  },
  'no graph': {
    code: 'MODEL_MALFORMED',
    names: ['graph'],
    bytes: () => Uint8Array.of(0x08, 0x08, 0x42, 0x02, 0x10, 0x0d),
  },
  'unknown operator': {
    code: 'OPERATOR_UNSUPPORTED',
    names: ['Frobnicate', 'odd'],
    bytes: () => smallBytes({ nodes: [node('Frobnicate', ['x'], ['y'], {}, { name: 'odd' })] }),
  },
  'unknown domain': {
    code: 'OPERATOR_UNSUPPORTED',
    names: ['com.example', 'odd'],
    bytes: () =>
      smallBytes({
        domains: { 'com.example': 1 },
        nodes: [node('Relu', ['x'], ['y'], {}, { name: 'odd', domain: 'com.example' })],
      }),
  },
  cycle: {
    code: 'GRAPH_CYCLE',
    names: ['first'],
    bytes: () =>
      smallBytes({
        nodes: [
          node('Add', ['x', 'b'], ['a'], {}, { name: 'first' }),
          node('Relu', ['a'], ['b'], {}, { name: 'second' }),
          node('Relu', ['b'], ['y'], {}, { name: 'third' }),
        ],
      }),
  },
  'missing input': {
    code: 'GRAPH_INPUT_MISSING',
    names: ['ghost', 'clamp'],
    bytes: () => smallBytes({ nodes: [node('Relu', ['ghost'], ['y'], {}, { name: 'clamp' })] }),
  },
  'missing output': {
    code: 'GRAPH_INPUT_MISSING',
    names: ['nowhere'],
    bytes: () => smallBytes({ outputs: [y, value('nowhere', 'float32', [1])] }),
  },
  'duplicate names': {
    code: 'GRAPH_DUPLICATE_NAME',
    names: ['y'],
    bytes: () =>
      smallBytes({ nodes: [node('Relu', ['x'], ['y']), node('Mul', ['x', 'w'], ['y'])] }),
  },
  'duplicate initializers': {
    code: 'GRAPH_DUPLICATE_NAME',
    names: ['w'],
    bytes: () => smallBytes({ initializers: [weight, weight] }),
  },
  'negative dims': {
    code: 'TENSOR_DIMS',
    names: ['w'],
    bytes: () => smallBytes({ initializers: [{ ...weight, dims: [-4] }] }),
  },
  'overflowing dims': {
    code: 'TENSOR_DIMS',
    names: ['w'],
    bytes: () => smallBytes({ initializers: [{ ...weight, dims: [2 ** 40, 2 ** 40, 2 ** 40] }] }),
  },
  'raw_data too short': {
    code: 'TENSOR_PAYLOAD',
    names: ['w'],
    bytes: () => smallBytes({ initializers: [{ ...weight, dims: [5] }] }),
  },
  'raw_data too long': {
    code: 'TENSOR_PAYLOAD',
    names: ['w'],
    bytes: () => smallBytes({ initializers: [{ ...weight, dims: [3] }] }),
  },
  'unknown dtype': {
    code: 'DTYPE_UNSUPPORTED',
    names: ['w'],
    bytes: () => smallBytes({ initializers: [{ ...weight, dataType: 77 }] }),
  },
  'shapes that do not fit': {
    code: 'SHAPE_MISMATCH',
    names: ['scale'],
    bytes: () => smallBytes({ initializers: [tensor('w', 'float32', [3], [1, 2, 3])] }),
  },
  'missing external data': {
    code: 'EXTERNAL_DATA_MISSING',
    names: ['weights.bin'],
    bytes: () => encodeModel(external),
  },
  'an attribute out of range': {
    code: 'ATTRIBUTE_INVALID',
    names: ['turn'],
    bytes: () =>
      smallBytes({ nodes: [node('Transpose', ['x'], ['y'], { perm: [0, 0] }, { name: 'turn' })] }),
  },
  'an attribute of the wrong type': {
    code: 'ATTRIBUTE_INVALID',
    names: ['turn', 'perm'],
    bytes: () =>
      smallBytes({ nodes: [node('Transpose', ['x'], ['y'], { perm: 'up' }, { name: 'turn' })] }),
  },
  'a stride of zero': {
    code: 'ATTRIBUTE_INVALID',
    names: ['slide', 'strides'],
    bytes: () =>
      encodeModel({
        inputs: [value('x', 'float32', [1, 1, 4, 4])],
        outputs: [value('y', 'float32', [1, 1, 4, 4])],
        nodes: [node('Conv', ['x', 'w'], ['y'], { strides: [0, 0] }, { name: 'slide' })],
        initializers: [tensor('w', 'float32', [1, 1, 1, 1], [1])],
      }),
  },
  'too few inputs of a node': {
    code: 'GRAPH_INPUT_MISSING',
    names: ['lonely'],
    bytes: () => smallBytes({ nodes: [node('Mul', ['x'], ['y'], {}, { name: 'lonely' })] }),
  },
};

export const badModels: Readonly<Record<string, BadModel>> = bad;

export function modelBytes(name: string): Uint8Array | undefined {
  const parts = good[name];
  return parts ? encodeModel(parts()) : bad[name]?.bytes();
}
