// Products with constant weights, which static quantization makes products of integers.
import { isOperator, type Model } from '../model.js';
import { intOf } from '../nodes.js';
import type { NodeProto, TensorProto } from '../onnx_pb.generated.js';
import { countOf, dimsOf, whyNoNumbers } from '../tensor_data.js';

export interface Layer {
  readonly node: NodeProto;
  readonly weight: TensorProto;
  /** Of the weight, along which each place has its own scale. */
  readonly axis: number;
  /** A number per output channel, or one for all. */
  readonly bias: TensorProto | undefined;
}

/** A layer, why a node with a weight is none, or undefined for other nodes. */
export function layerOf(model: Model, node: NodeProto): Layer | string | undefined {
  if (!isOperator(node, 'Conv', 'ConvTranspose', 'Gemm', 'MatMul')) return undefined;
  const [data = '', name = '', biasName = ''] = node.input;
  const weight = model.constant(name);
  if (!weight || model.constant(data) || !data || !node.output[0]) return undefined;
  const axis = channelAxis(node, weight);
  if (axis === undefined) return `its weight has ${weight.dims.length} axes`;
  const reason = whyNoNumbers(weight);
  if (reason !== undefined) return `its weight ${reason}`;
  if (biasName === '') return { node, weight, axis, bias: undefined };
  const bias = model.constant(biasName);
  if (!bias || !isRow(bias, outputChannels(node, weight, axis))) {
    return 'its bias is no row of constants';
  }
  const biasReason = whyNoNumbers(bias);
  return biasReason === undefined ? { node, weight, axis, bias } : `its bias ${biasReason}`;
}

function channelAxis(node: NodeProto, { dims }: TensorProto): number | undefined {
  switch (node.opType) {
    case 'MatMul':
      return dims.length === 2 ? 1 : undefined;
    case 'Gemm':
      return dims.length === 2 ? 1 - intOf(node, 'transB', 0) : undefined;
    default:
      if (dims.length < 3) return undefined;
      return node.opType === 'Conv' ? 0 : 1;
  }
}

/** A transposed convolution has as many channels per group as its weights have there. */
export const groupsOf = (node: NodeProto): number =>
  node.opType === 'ConvTranspose' ? intOf(node, 'group', 1) : 1;

export const outputChannels = (node: NodeProto, weight: TensorProto, axis: number): number =>
  Number(weight.dims[axis]) * groupsOf(node);

function isRow(tensor: TensorProto, columns: number): boolean {
  const dims = dimsOf(tensor);
  const count = countOf(tensor);
  return (count === columns && (dims.at(-1) ?? 1) === columns) || count === 1;
}
