// Which operators of ONNX compute in float16, and the element types of values.
import { isOperator, type Model } from './model.js';
import { intOf } from './nodes.js';
import type { NodeProto } from './onnx_pb.generated.js';
import { FLOAT } from './tensor_data.js';

const INT64 = 7;
const BOOL = 9;

/** All inputs are of the type that changes, and all outputs. */
const ALL =
  'Abs Add AveragePool BatchNormalization Ceil Clip Concat Conv ConvTranspose Cos DepthToSpace Div Elu Erf Exp Flatten ' +
  'Floor Gelu Gemm GlobalAveragePool GlobalMaxPool GroupNormalization HardSigmoid HardSwish Identity ' +
  'InstanceNormalization LRN LayerNormalization LeakyRelu Log LogSoftmax MatMul Max Mean Min Mish Mul Neg PRelu ' +
  'RMSNormalization Reciprocal Relu Round Selu Sigmoid Sign Sin Softmax Softplus Softsign SpaceToDepth Sqrt Sub Sum ' +
  'Swish Tanh ThresholdedRelu Transpose';
/** Only the first input is. */
const FIRST =
  'Dropout Expand Gather GatherElements GatherND MaxPool Pow ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ' +
  'ReduceSum ReduceSumSquare Reshape Resize Slice Split Squeeze Tile TopK Unsqueeze';

const inputsOf = new Map<string, readonly number[] | undefined>([
  ...ALL.split(' ').map((type) => [type, undefined] as const),
  ...FIRST.split(' ').map((type) => [type, [0]] as const),
  ['Where', [1, 2]],
  ['Pad', [0, 2]],
  ...['LSTM', 'GRU', 'RNN'].map((type) => [type, [0, 1, 2, 3, 5, 6, 7]] as const),
]);

/** Outputs behind the first are of other types. */
const FIRST_OUTPUT = new Set(['Dropout', 'MaxPool', 'TopK']);

const operatorOf = (node: NodeProto) => (isOperator(node, node.opType) ? node.opType : '');

/** Places of the inputs that become halves; undefined for other operators. */
export function halfInputs(node: NodeProto): number[] | undefined {
  const operator = operatorOf(node);
  if (!inputsOf.has(operator)) return undefined;
  const places = inputsOf.get(operator) ?? [...node.input.keys()];
  return places.filter((place) => (node.input[place] ?? '') !== '');
}

export const halfOutputs = (node: NodeProto): number[] =>
  FIRST_OUTPUT.has(operatorOf(node))
    ? [0]
    : [...node.output.keys()].filter((place) => node.output[place] !== '');

const OTHERS: Readonly<Record<string, number>> = Object.fromEntries([
  ...['Shape', 'Size', 'NonZero', 'ArgMax', 'ArgMin'].map((type) => [type, INT64] as const),
  ...'And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Xor'
    .split(' ')
    .map((type) => [type, BOOL] as const),
]);

function outputType(node: NodeProto, types: ReadonlyMap<string, number>): number | undefined {
  const operator = operatorOf(node);
  if (operator === 'Cast') return intOf(node, 'to', 0);
  if (operator === 'ConstantOfShape') return node.attribute[0]?.t?.dataType ?? FLOAT;
  const [place] = operator === 'Range' ? [0] : (halfInputs(node) ?? []);
  return place === undefined ? OTHERS[operator] : types.get(node.input[place] ?? '');
}

/** By name, of the values of the main graph whose type is known: TensorProto.DataType. */
export function elementTypes(model: Model): Map<string, number> {
  const { input, output, valueInfo, initializer, node } = model.graph;
  const types = new Map(initializer.map(({ name, dataType }) => [name, dataType]));
  for (const { name, type } of [...input, ...output, ...valueInfo]) {
    const element = type?.tensorType?.elemType;
    if (element) types.set(name, element);
  }
  for (const each of node) {
    const type = outputType(each, types);
    const known = OTHERS[operatorOf(each)] === undefined ? halfOutputs(each) : [0];
    if (type === undefined) continue;
    for (const place of known) {
      const name = each.output[place] ?? '';
      if (!types.has(name)) types.set(name, type);
    }
  }
  return types;
}
