// What callers of quantize give.
import type { Calibration } from './static/calibration.js';

/** Contents of the files that a model refers to, by the names that it has for them. */
export type ExternalData = Readonly<Record<string, Uint8Array>>;

export interface QuantizeOptions {
  /** What weights become. */
  readonly precision: 'int8' | 'int4' | 'fp16';
  /** Nodes, by name, and operators that stay as they are. */
  readonly keep?: readonly string[];
  /** For int4: so many weights share a scale, a power of two from 16 to 256. Default 32. */
  readonly group?: number;
  /** For int4: each group has a zero point too, for weights that do not lie around 0. */
  readonly zeroPoints?: boolean;
  /**
   * For int4: how exactly products take their activations, as MatMulNBits' attribute accuracy_level says it. 0: as floats.
   * 4, the default: runtimes may take them as int8, which is faster.
   */
  readonly accuracyLevel?: 0 | 4;
  /** Files of the model, which become a part of the result. */
  readonly externalData?: ExternalData;
  /** With int8: activations become bytes as well, with ranges that are measured now. */
  readonly calibration?: Calibration;
  readonly signal?: AbortSignal;
}
