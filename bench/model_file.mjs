// What the bench has to know of a model file: its inputs, and whether its weights are floats.
import { readFileSync } from 'node:fs';
import { ModelProto, dtypes } from '../tools/onnx/schema.mjs';

const dtypeNames = Object.fromEntries(Object.entries(dtypes).map(([name, n]) => [n, name]));
const INTEGER_OPERATOR =
  /^(QLinear|DequantizeLinear|DynamicQuantize|MatMulInteger|ConvInteger|MatMulNBits|GatherBlockQuantized)/;

/** Symbolic and absent dims become 1. */
function inputSpec({ name, type }) {
  if (!type?.tensorType) throw new Error(`input ${name} is no tensor`);
  const { elemType, shape } = type.tensorType;
  const dims = (shape?.dim ?? []).map(({ dimValue }) => Math.max(1, Number(dimValue ?? 1)));
  return { name, dtype: dtypeNames[elemType], dims };
}

function precisionOf(graph, operators) {
  if ([...operators].some((type) => INTEGER_OPERATOR.test(type))) return 'quantized';
  const half = graph.initializer.some(({ dataType }) => dataType === dtypes.float16);
  return half ? 'fp16' : 'fp32';
}

/** {inputs, precision: 'fp32' | 'fp16' | 'quantized', operators, weightBytes} */
export function readModelFile(path) {
  const { graph } = ModelProto.decode(readFileSync(path));
  const operators = new Set(graph.node.map(({ opType }) => opType));
  const constant = new Set(graph.initializer.map(({ name }) => name));
  return {
    inputs: graph.input.filter(({ name }) => !constant.has(name)).map(inputSpec),
    precision: precisionOf(graph, operators),
    operators,
    weightBytes: graph.initializer.reduce((sum, { rawData }) => sum + (rawData?.length ?? 0), 0),
  };
}
