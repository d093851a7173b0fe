// Models that are quantized already are not quantized again.
import { SardonyxError } from '../web/index.js';
import { allGraphs } from './graphs.js';
import { nodeName, type Model } from './model.js';

const INTEGERS =
  /^(QuantizeLinear|DequantizeLinear|DynamicQuantize\w+|QLinear\w+|QGemm|QMoE|QAttention|MatMulInteger\w*|ConvInteger|MatMulNBits|MatMulBnb4|GatherBlockQuantized)$/;

/** MODEL_QUANTIZED for a model whose weights or operators are of integers. */
export function refuseQuantized(model: Model): void {
  const { graph, functions } = model.proto;
  const found = [...allGraphs(graph), ...functions]
    .flatMap(({ node }) => node)
    .find(({ opType }) => INTEGERS.test(opType));
  if (!found) return;
  throw new SardonyxError(
    'MODEL_QUANTIZED',
    `the model is quantized already: node ${nodeName(found)} is a ${found.opType}`,
    { node: nodeName(found), operator: found.opType },
  );
}
