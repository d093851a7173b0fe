// What tests of quantize write models with.
import type * as Onnx from '../../../tools/onnx/model.mjs';

const script = '../../../tools/onnx/model.mjs';
export const { encodeModel, float, graph, node, tensor, value } = (await import(
  script
)) as typeof Onnx;
