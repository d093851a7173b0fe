// Nodes whose WebGPU kernels are compared with the CPU's, by family: one model each, with every node
// beside the others.
import {
  encodeModel,
  float,
  node,
  tensor,
  value,
  type NodeMessage,
  type TensorMessage,
  type ValueMessage,
} from '../tools/onnx/model.mjs';

interface Operand {
  readonly dtype: string;
  readonly dims: readonly number[];
  /** Fixed in the model; undefined: fed. */
  readonly values?: readonly number[];
}

interface Case {
  readonly op: string;
  readonly operands: readonly (Operand | undefined)[];
  readonly attributes?: Record<string, unknown>;
  /** Nodes of one operand behind it. */
  readonly then?: readonly (readonly [string, Record<string, unknown>?])[];
  readonly outputs?: number;
  readonly result?: string;
  readonly rank?: number;
}

const fed = (dims: number[], dtype = 'float32'): Operand => ({ dtype, dims });
const fixed = (dims: number[], values: number[], dtype = 'float32'): Operand => ({
  dtype,
  dims,
  values,
});
const ints = (...values: number[]): Operand => fixed([values.length], values, 'int64');
const floats = (...values: number[]): Operand => fixed([values.length], values);

/** The same numbers for the same count: multiples of 1/64 in [-2, 2), which float16 has too. */
function pattern(count: number): number[] {
  let state = 7 + count;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return ((state >> 12) % 256) / 64 - 2;
  });
}
const size = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
/** `step` 1/3 makes numbers that float16 has not. */
const weight = (dims: number[], step = 1 / 3): Operand =>
  fixed(
    dims,
    pattern(size(dims)).map((x) => Math.fround(x * step)),
  );
const positive = (dims: number[]): Operand =>
  fixed(
    dims,
    pattern(size(dims)).map((x) => Math.abs(x) + 0.25),
  );

const conv = (
  x: number[],
  w: number[],
  attributes: Record<string, unknown> = {},
  extra: Partial<Case> = {},
): Case => ({
  op: 'Conv',
  operands: [fed(x), weight(w), weight([w[0]!])],
  attributes,
  ...extra,
});
const pads = (n: number): number[] => [n, n, n, n];

const convolution: Case[] = [
  ...[1, 2, 4, 5, 8, 11].map((filters) =>
    conv([1, 3, 7, 9], [filters, 3, 3, 3], { pads: pads(1) }),
  ),
  ...[1, 3, 4, 8, 13, 17].map((width) => conv([2, 2, 3, width], [5, 2, 3, 1])),
  conv([1, 3, 9, 10], [6, 3, 3, 3], { strides: [2, 2], pads: [0, 1, 1, 2] }),
  conv([1, 3, 9, 12], [6, 3, 3, 3], { strides: [1, 3], pads: pads(1) }),
  conv([1, 3, 11, 12], [6, 3, 3, 3], { dilations: [2, 3], pads: [2, 3, 2, 3] }),
  conv([1, 5, 6, 7], [9, 5, 1, 1]),
  conv([1, 5, 6, 7], [9, 5, 1, 1], { strides: [2, 2] }),
  conv([1, 2, 8, 20], [3, 2, 5, 5], { pads: pads(2) }),
  conv([1, 2, 4, 30], [3, 2, 1, 9], { pads: [0, 4, 0, 4] }),
  conv([1, 7, 9, 9], [7, 1, 3, 3], { group: 7, pads: pads(1) }),
  conv([1, 7, 9, 9], [7, 1, 3, 3], { group: 7, pads: pads(1), strides: [2, 2] }),
  conv([1, 6, 9, 13], [6, 1, 5, 5], { group: 6, pads: pads(2) }),
  conv([1, 4, 5, 6], [6, 2, 3, 3], { group: 2, pads: pads(1) }),
  conv([1, 6, 5, 6], [12, 2, 3, 3], { group: 3 }),
  conv([1, 4, 5, 9], [16, 2, 3, 3], { group: 2 }),
  conv([2, 3, 19], [4, 3, 4], { strides: [2], pads: [1, 2] }),
  conv([1, 8, 6, 6], [8, 8, 3, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  { op: 'Conv', operands: [fed([1, 8, 6, 9]), weight([8, 8, 3, 3], 1)] },
  ...(
    [
      ['Relu'],
      ['Sigmoid'],
      ['Tanh'],
      ['LeakyRelu', { alpha: 0.125 }],
      ['HardSigmoid'],
      ['HardSwish'],
      ['Gelu'],
    ] as const
  ).map((activation) => conv([1, 3, 5, 5], [4, 3, 3, 3], {}, { then: [activation] })),
  {
    op: 'ConvTranspose',
    operands: [fed([1, 3, 4, 5]), weight([3, 2, 2, 2]), weight([2])],
    attributes: { strides: [2, 2] },
  },
  {
    op: 'ConvTranspose',
    operands: [fed([2, 4, 3, 5]), weight([4, 3, 3, 2])],
    attributes: { group: 2, strides: [3, 2], pads: [1, 0, 0, 1], output_padding: [1, 0] },
  },
  {
    op: 'ConvTranspose',
    operands: [fed([1, 2, 7]), weight([2, 3, 3])],
    attributes: { dilations: [2], pads: [1, 1] },
  },
];

const product = (a: number[], b: number[], rank?: number): Case => ({
  op: 'MatMul',
  operands: [fed(a), weight(b)],
  ...(rank !== undefined && { rank }),
});
const gemm = (c: number[] | undefined, attributes: Record<string, unknown>): Case => {
  const [a, b] = [
    [5, 7],
    [7, 6],
  ];
  return {
    op: 'Gemm',
    operands: [
      fed(attributes.transA ? a.reverse() : a),
      weight(attributes.transB ? b.reverse() : b),
      c && weight(c),
    ],
    attributes,
    rank: 2,
  };
};
const products: Case[] = [
  product([5, 7], [7, 9]),
  product([1, 33], [33, 10]),
  product([3, 16], [16, 16]),
  product([2, 3, 4, 5], [5, 6]),
  product([2, 3, 4, 5], [3, 5, 7]),
  product([4, 5], [2, 1, 5, 3], 4),
  product([2, 1, 4, 5], [1, 3, 5, 9]),
  product([5], [5, 4], 1),
  product([3, 5], [5], 1),
  { op: 'MatMul', operands: [fed([9, 32]), weight([32, 16], 1)] },
  gemm(undefined, {}),
  gemm([6], { alpha: 0.5, beta: 1.5 }),
  gemm([5, 1], { transA: 1 }),
  gemm([1], { transB: 1, transA: 1 }),
  gemm([5, 6], { transB: 1 }),
  { op: 'Gemm', operands: [fed([3, 8]), weight([8, 5]), weight([5])], then: [['Relu']] },
];

const unary = (op: string, attributes: Record<string, unknown> = {}): Case => ({
  op,
  operands: [fed([3, 5, 7])],
  attributes,
});
const ofPositive = (op: string): Case => ({
  op: 'Abs',
  operands: [fed([3, 5])],
  then: [['Exp'], [op]],
});
const binary = (op: string, ...shapes: number[][]): Case => ({
  op,
  operands: shapes.map((shape, i) => (i === 1 ? positive(shape) : fed(shape))),
  rank: Math.max(...shapes.map((shape) => shape.length)),
});
const elementwise: Case[] = [
  ...'Relu Sigmoid Tanh HardSigmoid HardSwish Exp Neg Abs Reciprocal Floor Ceil Round Sign Erf Softplus Softsign Mish Sin Cos Elu Selu Celu Gelu'
    .split(' ')
    .map((op) => unary(op)),
  unary('Gelu', { approximate: 'tanh' }),
  unary('LeakyRelu', { alpha: 0.25 }),
  unary('ThresholdedRelu', { alpha: 0.5 }),
  unary('Elu', { alpha: 0.5 }),
  { op: 'Clip', operands: [fed([4, 9]), fixed([], [-0.5]), fixed([], [0.75])] },
  { op: 'Clip', operands: [fed([4, 9]), undefined, fixed([], [0.75])] },
  ofPositive('Log'),
  ofPositive('Sqrt'),
  ...'Add Sub Mul Div Min Max PRelu'.split(' ').map((op) => binary(op, [2, 3, 4], [2, 3, 4])),
  binary('Add', [2, 3, 4], [3, 1]),
  binary('Sub', [4, 1, 3], [2, 1]),
  binary('Mul', [1], [3, 4]),
  binary('Div', [3, 1, 5, 1, 2], [1, 4, 1, 3, 2]),
  binary('Sum', [2, 3], [3], [2, 1]),
  binary('Max', [2, 3], [3], [2, 1], [1]),
  ...[2, 0.5, 3, 0, -1, 2.5].map((y): Case => ({
    op: 'Abs',
    operands: [fed([3, 5])],
    then: [['Exp'], ['Pow', { exponent: y }]],
  })),
  { op: 'Pow', operands: [fed([3, 5]), fixed([], [3])] },
];

const compare = (op: string, dtype: string): Case => ({
  op,
  operands: [fed([3, 7], dtype), fed([7], dtype)],
  result: 'bool',
});
const cast = (from: string, to: number, result: string): Case => ({
  op: 'Cast',
  operands: [fed([3, 7], from)],
  attributes: { to },
  result,
});
const [FLOAT, INT32, INT64, BOOL] = [1, 6, 7, 9];
const selection: Case[] = [
  ...'Equal Less LessOrEqual Greater GreaterOrEqual'
    .split(' ')
    .flatMap((op) => ['float32', 'int32', 'int64'].map((dtype) => compare(op, dtype))),
  ...['And', 'Or', 'Xor', 'Equal'].map((op) => compare(op, 'bool')),
  ...['float32', 'int32', 'int64'].map((dtype): Case => ({
    op: 'Where',
    operands: [fed([3, 1, 5], 'bool'), fed([2, 1], dtype), fed([3, 2, 5], dtype)],
    result: dtype,
    rank: 3,
  })),
  ...['int32', 'int64', 'bool', 'uint8'].map((from) => cast(from, FLOAT, 'float32')),
  ...['float32', 'int64', 'bool', 'uint8'].map((from) => cast(from, INT32, 'int32')),
  ...['float32', 'int32', 'bool', 'uint8'].map((from) => cast(from, INT64, 'int64')),
  ...['float32', 'int32', 'int64', 'uint8'].map((from) => cast(from, BOOL, 'bool')),
  {
    op: 'Mul',
    operands: [fed([2, 9]), fixed([], [3e9])],
    then: [
      ['Cast', { to: INT64 }],
      ['Cast', { to: FLOAT }],
    ],
  },
];

const window = (op: string, x: number[], attributes: Record<string, unknown>): Case => ({
  op,
  operands: [fed(x)],
  attributes,
});
const pooling: Case[] = ['MaxPool', 'AveragePool'].flatMap((op) => [
  window(op, [1, 3, 7, 9], { kernel_shape: [2, 2], strides: [2, 2] }),
  window(op, [2, 2, 7, 9], { kernel_shape: [3, 3], strides: [2, 2], pads: pads(1) }),
  window(op, [1, 2, 8, 8], { kernel_shape: [3, 2], strides: [2, 3], ceil_mode: 1 }),
  window(op, [1, 2, 11], { kernel_shape: [3], strides: [2], pads: [1, 0] }),
  window(`Global${op}`, [2, 3, 5, 7], {}),
]);
pooling.push(
  window('MaxPool', [1, 2, 9, 9], { kernel_shape: [3, 3], dilations: [2, 2] }),
  window('AveragePool', [1, 2, 7, 7], {
    kernel_shape: [3, 3],
    pads: pads(1),
    count_include_pad: 1,
  }),
);

const reductions: Case[] = [
  ...'ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare'
    .split(' ')
    .map((op): Case => ({ op, operands: [fed([3, 4, 5])], attributes: { axes: [-1] } })),
  ...[[0], [1], [0, 2], [1, 2], [0, 1, 2]].map((axes): Case => ({
    op: 'ReduceSum',
    operands: [fed([3, 4, 5]), ints(...axes)],
  })),
  {
    op: 'ReduceMean',
    operands: [fed([2, 3, 4, 5])],
    attributes: { axes: [0, 2], keepdims: 0 },
    rank: 2,
  },
  { op: 'Abs', operands: [fed([3, 4])], then: [['ReduceLogSum', { axes: [1] }]] },
  ...['Softmax', 'LogSoftmax'].flatMap((op) =>
    [-1, 0, 1].map((axis): Case => ({ op, operands: [fed([3, 4, 5])], attributes: { axis } })),
  ),
  {
    op: 'LayerNormalization',
    operands: [fed([3, 4, 5]), weight([5]), weight([5])],
  },
  {
    op: 'LayerNormalization',
    operands: [fed([3, 4, 5]), weight([4, 5])],
    attributes: { axis: 1, epsilon: 0.01 },
  },
  {
    op: 'BatchNormalization',
    operands: [fed([2, 3, 4, 5]), weight([3]), weight([3]), weight([3]), positive([3])],
  },
];

const resize = (attributes: Record<string, unknown>, scales: number[], x = [1, 2, 5, 6]): Case => ({
  op: 'Resize',
  operands: [fed(x), fixed([0], []), floats(...scales)],
  attributes,
});
const movement: Case[] = [
  ...[
    [0, 2, 3, 1],
    [3, 2, 1, 0],
    [1, 0, 2, 3],
  ].map((perm): Case => ({ op: 'Transpose', operands: [fed([2, 3, 4, 5])], attributes: { perm } })),
  { op: 'Transpose', operands: [fed([3, 4], 'int64')], attributes: {}, result: 'int64' },
  { op: 'Slice', operands: [fed([5, 7, 6]), ints(1, 5), ints(5, -8), ints(0, 1), ints(2, -2)] },
  { op: 'Slice', operands: [fed([5, 7]), ints(-3), ints(1000), ints(-1)] },
  {
    op: 'Concat',
    operands: [fed([2, 3, 4]), fed([2, 1, 4]), weight([2, 2, 4])],
    attributes: { axis: 1 },
  },
  { op: 'Split', operands: [fed([3, 7]), ints(2, 4, 1)], attributes: { axis: 1 }, outputs: 3 },
  { op: 'Expand', operands: [fed([3, 1, 5]), ints(2, 1, 4, 1)], rank: 4 },
  { op: 'Tile', operands: [fed([2, 3]), ints(3, 2)] },
  { op: 'Reshape', operands: [fed([2, 3, 4]), ints(4, 6)], then: [['Neg']], rank: 2 },
  ...['constant', 'edge', 'reflect', 'wrap'].map((mode): Case => ({
    op: 'Pad',
    operands: [fed([4, 5, 6]), ints(1, 0, 3, 2, -1, 4), fixed([], [0.5])],
    attributes: { mode },
  })),
  { op: 'Gather', operands: [fed([4, 5, 3]), ints(-1, 0, 3)], attributes: { axis: 1 } },
  { op: 'Gather', operands: [fed([4, 5], 'int64'), ints(2, 2)], result: 'int64' },
];

const resizing: Case[] = [
  ...['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'].flatMap((mode) => [
    ...['nearest', 'linear', 'cubic'].map((how) =>
      resize({ mode: how, coordinate_transformation_mode: mode }, [1, 1, 2.5, 0.7]),
    ),
    resize({ mode: 'linear', coordinate_transformation_mode: mode }, [1, 1, 2, 2]),
  ]),
  ...['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'].map((rounding) =>
    resize({ mode: 'nearest', nearest_mode: rounding }, [1, 1, 1.5, 3]),
  ),
  resize({ mode: 'linear' }, [1, 2, 2, 1]),
  resize({ mode: 'nearest' }, [1, 1, 1, 2]),
  resize({ mode: 'linear' }, [1.5], [6]),
];

/** Attributes of a node in a chain; `exponent` is its second operand. */
function chained(name: string, { exponent, ...rest }: Record<string, unknown> = {}) {
  const more = typeof exponent === 'number' ? [tensor(name, 'float32', [], [exponent])] : [];
  return { rest, more };
}

const withFloats = (attributes: Record<string, unknown> = {}): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(attributes).map(([key, x]) => [
      key,
      ['alpha', 'beta', 'epsilon'].includes(key) ? float(x as number) : x,
    ]),
  );

export interface Feed {
  readonly name: string;
  readonly dtype: string;
  readonly dims: readonly number[];
}

function modelOf(cases: readonly Case[], opset: number) {
  const nodes: NodeMessage[] = [];
  const inputs: ValueMessage[] = [];
  const outputs: ValueMessage[] = [];
  const initializers: TensorMessage[] = [];
  const feeds: Feed[] = [];
  cases.forEach(({ op, operands, attributes, then = [], outputs: count = 1, result, rank }, n) => {
    const label = `${n}_${op}`;
    const names = operands.map((operand, i) => {
      if (!operand) return '';
      const name = `${label}_in${i}`;
      const { dtype, dims, values } = operand;
      if (values) {
        const numbers = dtype === 'int64' ? values.map(BigInt) : values;
        initializers.push(tensor(name, dtype, [...dims], numbers));
      } else {
        inputs.push(value(name, dtype, [...dims]));
        feeds.push({ name, dtype, dims });
      }
      return name;
    });
    let last = Array.from({ length: count }, (_, i) => `${label}_out${i}`);
    nodes.push(node(op, names, last, withFloats(attributes), { name: label }));
    then.forEach(([next, given], i) => {
      const to = `${label}_then${i}`;
      const { rest, more } = chained(`${to}_exponent`, given);
      initializers.push(...more);
      const operandNames = [last[0]!, ...more.map(({ name }) => name)];
      nodes.push(node(next, operandNames, [to], withFloats(rest), { name: to }));
      last = [to];
    });
    const dims = Array.from(
      { length: rank ?? operands[0]!.dims.length },
      (_, i) => `${label}_dim${i}`,
    );
    for (const [i, name] of last.entries()) {
      outputs.push(
        value(
          name,
          result ?? 'float32',
          dims.map((dim) => `${dim}_${i}`),
        ),
      );
    }
  });
  return { bytes: encodeModel({ opset, nodes, inputs, outputs, initializers }), feeds };
}

/** Opset 23 has RMSNormalization; before opset 13 Softmax flattens. */
const newer: Case[] = [
  { op: 'RMSNormalization', operands: [fed([3, 4, 5]), weight([5])] },
  { op: 'Swish', operands: [fed([3, 5])], attributes: { alpha: 0.5 } },
  { op: 'ReduceMean', operands: [fed([3, 4, 5]), ints(1)] },
];
const older: Case[] = [
  { op: 'Softmax', operands: [fed([3, 4, 5])], attributes: { axis: 1 } },
  { op: 'Slice', operands: [fed([5, 7])], attributes: { starts: [1, -5], ends: [5, -1] } },
  { op: 'Clip', operands: [fed([5, 7])], attributes: { min: float(-0.5), max: float(1) } },
  { op: 'Pad', operands: [fed([2, 3])], attributes: { pads: [1, 0, 0, 2], value: float(1.5) } },
  { op: 'Upsample', operands: [fed([1, 2, 3, 4]), floats(1, 1, 2, 3)] },
];

const families = {
  convolution: [convolution, 20],
  products: [products, 17],
  elementwise: [elementwise, 20],
  selection: [selection, 17],
  pooling: [pooling, 17],
  reductions: [reductions, 17],
  movement: [movement, 19],
  resizing: [resizing, 17],
  newer: [newer, 24],
  older: [older, 9],
} satisfies Record<string, [readonly Case[], number]>;

export type Family = keyof typeof families;
export const familyNames = Object.keys(families) as Family[];
export const familyModel = (name: Family) => {
  const [cases, opset] = families[name];
  return modelOf(cases, opset);
};

/** Steps without a kernel between others that have one. */
export const handedOver = {
  onCpu: ['0_Mul_then0', '0_Mul_then1', '0_Mul_then3', '1_Gather'],
  ...modelOf(
    [
      {
        op: 'Mul',
        operands: [fed([2, 3, 4]), weight([4])],
        then: [['Atan'], ['Tan'], ['Neg'], ['Sinh'], ['Relu']],
      },
      { op: 'Gather', operands: [weight([5, 3]), fed([4], 'int64')], rank: 2 },
    ],
    17,
  ),
};
