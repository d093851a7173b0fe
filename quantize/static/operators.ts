// What operators do to quantized tensors.
import { isOperator, type Model } from '../model.js';
import { intOf, textOf } from '../nodes.js';
import type { NodeProto } from '../onnx_pb.generated.js';
import { countOf, floatsOf } from '../tensor_data.js';

/** Of one tensor, each element by itself. */
const UNARY = [
  ...[
    'Relu',
    'LeakyRelu',
    'Elu',
    'Selu',
    'Celu',
    'ThresholdedRelu',
    'Clip',
    'Sigmoid',
    'HardSigmoid',
  ],
  ...[
    'HardSwish',
    'Swish',
    'Mish',
    'Gelu',
    'Tanh',
    'Softplus',
    'Softsign',
    'Erf',
    'Exp',
    'Log',
    'Sqrt',
  ],
  ...['Neg', 'Abs', 'Reciprocal', 'Identity'],
];
const BINARY = ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max', 'PRelu'];

/** Elements go elsewhere, and none is new. */
const MOVING = [
  ...[
    'Reshape',
    'Flatten',
    'Squeeze',
    'Unsqueeze',
    'Transpose',
    'Slice',
    'Gather',
    'Expand',
    'Tile',
  ],
  ...['DepthToSpace', 'SpaceToDepth', 'GlobalMaxPool', 'Split'],
];

/** Sums, products and means, whose range is their own. */
const MIXING_ALL = ['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max', 'Sum', 'Mean', 'Concat'];
const MIXING_FIRST = [
  'AveragePool',
  'GlobalAveragePool',
  'ReduceMean',
  'Resize',
  'BatchNormalization',
  'PRelu',
];

const isSingle = (model: Model, name: string) => {
  const tensor = model.constant(name);
  return tensor !== undefined && countOf(tensor) === 1;
};

const variable = (model: Model, names: readonly string[]) =>
  names.filter((name) => name !== '' && !model.constant(name));

/**
 * The tensors of which each element of the output is a function, with single constants beside them; undefined for
 * other operators.
 */
export function mappedInputs(model: Model, node: NodeProto): string[] | undefined {
  if (isOperator(node, ...UNARY)) {
    const [data = '', ...others] = node.input;
    const fixed = others.every((name) => name === '' || isSingle(model, name));
    return fixed ? variable(model, [data]) : undefined;
  }
  if (!isOperator(node, ...BINARY)) return undefined;
  const inputs = variable(model, node.input);
  const constants = node.input.filter((name) => model.constant(name));
  return constants.every((name) => isSingle(model, name)) ? inputs : undefined;
}

/** Clamps that an integer product does at its end. */
export const isClamp = (model: Model, node: NodeProto): boolean =>
  isOperator(node, 'Relu', 'Clip') && mappedInputs(model, node) !== undefined;

/** The tensors whose elements the output has, zeros aside; undefined for other operators. */
export function movedInputs(model: Model, node: NodeProto): string[] | undefined {
  const [data = ''] = node.input;
  if (isOperator(node, 'Concat')) {
    return node.input.some((name) => model.constant(name)) ? undefined : [...node.input];
  }
  const moves =
    isOperator(node, ...MOVING) ||
    (isOperator(node, 'MaxPool') && node.output.filter(Boolean).length === 1) ||
    (isOperator(node, 'Resize') && textOf(node, 'mode', 'nearest') === 'nearest') ||
    (isOperator(node, 'Pad') && padsWithZeros(model, node));
  return moves && !model.constant(data) ? [data] : undefined;
}

function padsWithZeros(model: Model, node: NodeProto): boolean {
  const value = node.input[2] ?? '';
  if (value === '' || textOf(node, 'mode', 'constant') !== 'constant') return true;
  const tensor = model.constant(value);
  return tensor !== undefined && countOf(tensor) === 1 && floatsOf(tensor)[0] === 0;
}

/** The tensors that are combined; undefined for operators that are computed in floats whatever they read. */
export function mixedInputs(model: Model, node: NodeProto): string[] | undefined {
  if (isOperator(node, ...MIXING_ALL)) return variable(model, node.input);
  if (!isOperator(node, ...MIXING_FIRST)) return undefined;
  if (isOperator(node, 'BatchNormalization') && intOf(node, 'training_mode', 0) !== 0)
    return undefined;
  return variable(model, node.input.slice(0, 1));
}
