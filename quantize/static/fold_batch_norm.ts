// A BatchNormalization behind a convolution becomes a part of its weights and bias, so that both are one layer.
import { isOperator, nodeError, type Model } from '../model.js';
import { floatOf, intOf } from '../nodes.js';
import type { NodeProto } from '../onnx_pb.generated.js';
import { dimsOf, floatsOf, makeTensor } from '../tensor_data.js';
import { layerOf, outputChannels, type Layer } from './layers.js';

export function foldBatchNorms(model: Model, isKept: (node: NodeProto) => boolean): void {
  const [readers, outputs] = [model.readers(), model.outputNames()];
  const folded = new Set<NodeProto>();
  for (const node of model.graph.node) {
    const [result = ''] = node.output;
    const [reader, ...others] = readers.get(result) ?? [];
    const norm = reader?.input === 0 && others.length === 0 && !outputs.has(result) && reader.node;
    if (!norm || isKept(node) || isKept(norm)) continue;
    const layer = isOperator(node, 'Conv', 'ConvTranspose') ? layerOf(model, node) : undefined;
    if (typeof layer !== 'object' || !isOperator(norm, 'BatchNormalization')) continue;
    if (fold(model, layer, norm)) folded.add(norm);
  }
  model.replaceNodes((node) => (folded.has(node) ? [] : [node]));
  model.removeUnused();
}

/** False where the parameters are no constants, or the node has statistics of its own to give. */
function fold(model: Model, layer: Layer, norm: NodeProto): boolean {
  const tensors = norm.input.slice(1, 5).map((name) => model.constant(name));
  const inTraining =
    intOf(norm, 'training_mode', 0) !== 0 || norm.output.filter(Boolean).length > 1;
  if (inTraining || tensors.length < 4 || !tensors.every((tensor) => tensor !== undefined))
    return false;
  const { node, weight, axis, bias } = layer;
  const channels = outputChannels(node, weight, axis);
  const [gains, shifts, means, variances] = tensors.map(floatsOf);
  if ([gains, shifts, means, variances].some((values) => values?.length !== channels)) {
    throw nodeError('MODEL_UNSUPPORTED', norm, `its parameters are not of ${channels} channels`);
  }
  const epsilon = floatOf(norm, 'epsilon', 1e-5);
  const factors = gains!.map((gain, i) => gain / Math.sqrt(variances![i]! + epsilon));
  const before = bias ? floatsOf(bias) : undefined;
  const added = shifts!.map((shift, i) => {
    const own = before?.[before.length === 1 ? 0 : i] ?? 0;
    return shift + (own - means![i]!) * factors[i]!;
  });
  if (![...factors, ...added].every(Number.isFinite)) return false;
  const name = (of: string) => model.freshName(of, 'folded');
  node.input = [
    node.input[0]!,
    model.addConstant(
      makeTensor(name(weight.name), 'float32', dimsOf(weight), scaled(layer, factors)),
    ),
    model.addConstant(makeTensor(name(norm.input[2]!), 'float32', [channels], added)),
  ];
  node.output[0] = norm.output[0]!;
  return true;
}

function scaled({ node, weight, axis }: Layer, factors: Float32Array): Float32Array {
  const dims = dimsOf(weight);
  const size = (from: number, to?: number) => dims.slice(from, to).reduce((a, b) => a * b, 1);
  const [inner, perGroup] = [size(axis + 1), dims[axis]!];
  if (node.opType === 'Conv') {
    return floatsOf(weight).map((value, i) => value * factors[Math.floor(i / inner)]!);
  }
  // [inputs, outputs per group, …]: the inputs of one group follow each other.
  const inputs = dims[0]!;
  const groups = factors.length / perGroup;
  return floatsOf(weight).map((value, i) => {
    const group = Math.floor((Math.floor(i / inner / perGroup) * groups) / inputs);
    return value * factors[group * perGroup + (Math.floor(i / inner) % perGroup)]!;
  });
}
