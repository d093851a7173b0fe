// What a calibration learns about one tensor.
import { SardonyxError } from '../../web/index.js';

/** Ends of the values that a quantized tensor is to tell apart; what is beyond is cut off. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export interface Observer {
  /** VALUE_RANGE when an element is NaN or infinite. */
  observe(values: Float32Array): void;
  /** Of what has been observed; zeros where that is nothing. */
  range(): Range;
}

/** The smallest and the largest value, which must be finite. */
export function extremes(tensor: string, values: Float32Array): Range {
  let [min, max] = [Infinity, -Infinity];
  let sum = 0;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
    // 0 · value is NaN for NaN and for infinities, and stays so.
    sum += 0 * value;
  }
  if (Number.isNaN(sum)) {
    throw new SardonyxError('VALUE_RANGE', `${tensor} has NaN or infinite values in calibration`, {
      tensor,
    });
  }
  return values.length > 0 ? { min, max } : { min: 0, max: 0 };
}
