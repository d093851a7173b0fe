// Weights as bytes with a scale per channel, and biases as integers of the scale of the sums.
import { int8Scale, SMALLEST_SCALE } from './ranges/affine.js';
import { Noise } from './sqnr.js';

export interface IntegerWeights {
  readonly codes: Int8Array;
  /** Per place of the axis. */
  readonly scales: Float32Array;
  /** Signal to quantization noise in dB. */
  readonly sqnr: number;
}

// A bias of at most 2^30 leaves room in 32 bits for 33,000 products of bytes.
const BIAS_LIMIT = 2 ** 30;

/** What the sums that a weight is part of are made of. */
export interface Sums {
  /** One number per channel, or of each group of channels. */
  readonly bias: Float32Array;
  readonly inputScale: number;
}

/** Channel of an element, by its place in row-major order. */
function channelsOf(dims: readonly number[], axis: number) {
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const count = dims[axis]!;
  return { count, of: (i: number) => Math.floor(i / inner) % count };
}

/** Per place of the axis. Where the bias is large, weights have coarser scales. */
export function weightScales(
  weights: Float32Array,
  dims: readonly number[],
  axis: number,
  { bias, inputScale }: Sums,
): Float32Array {
  const channels = channelsOf(dims, axis);
  const largest = new Float64Array(channels.count);
  for (let i = 0; i < weights.length; i++) {
    const channel = channels.of(i);
    largest[channel] = Math.max(largest[channel]!, Math.abs(weights[i]!));
  }
  // The scale of the sums is a float32 number that is not subnormal, too.
  const least = new Float64Array(channels.count).fill(SMALLEST_SCALE / Math.min(1, inputScale));
  for (const [i, value] of bias.entries()) {
    const channel = i % channels.count;
    least[channel] = Math.max(least[channel]!, Math.abs(value) / inputScale / BIAS_LIMIT);
  }
  // A channel of zeros has any scale: where there are biases the least, for their sake.
  return Float32Array.from(largest, (size, channel) =>
    size > 0 || bias.length === 0 ? Math.max(int8Scale(size), least[channel]!) : least[channel]!,
  );
}

/** Biases are added as floats, and the scale of activations is known in each run only. */
const FLOAT_SUMS: Sums = { bias: new Float32Array(), inputScale: 1 };

/** Weights whose sums become floats. */
export const quantizeAlone = (
  weights: Float32Array,
  dims: readonly number[],
  axis: number,
): IntegerWeights =>
  quantizeWeights(weights, dims, axis, weightScales(weights, dims, axis, FLOAT_SUMS));

export function quantizeWeights(
  weights: Float32Array,
  dims: readonly number[],
  axis: number,
  scales: Float32Array,
): IntegerWeights {
  const codes = new Int8Array(weights.length);
  const noise = new Noise();
  const channels = channelsOf(dims, axis);
  for (let i = 0; i < weights.length; i++) {
    const value = weights[i]!;
    const scale = scales[channels.of(i)]!;
    const code = Math.max(-127, Math.min(127, roundHalfToEven(value / scale)));
    codes[i] = code;
    noise.add(value, code * scale);
  }
  return { codes, scales, sqnr: noise.decibels };
}

/** As QuantizeLinear rounds. */
function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

export interface IntegerBias {
  readonly codes: Int32Array;
  readonly scales: Float32Array;
}

/** The scale of a bias is that of the sum it is added to. */
export function quantizeBias(
  bias: Float32Array,
  weightScales: Float32Array,
  inputScale: number,
): IntegerBias {
  const scales = Float32Array.from(
    bias,
    (_, i) => weightScales[i % weightScales.length]! * inputScale,
  );
  return { codes: Int32Array.from(bias, (value, i) => Math.round(value / scales[i]!)), scales };
}
