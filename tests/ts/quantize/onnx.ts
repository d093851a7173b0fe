// What tests of quantize write models with.
import type * as Onnx from '../../../tools/onnx/model.mjs';
import { noise } from './engines.js';

const script = '../../../tools/onnx/model.mjs';
export const { encodeModel, float, graph, node, tensor, value } = (await import(
  script
)) as typeof Onnx;

/** A weight of float32 with other numbers for each seed. */
export const noisyWeight = (name: string, dims: number[], seed = 1) =>
  tensor(
    name,
    'float32',
    dims,
    noise(
      dims.reduce((a, b) => a * b, 1),
      seed,
    ),
  );
