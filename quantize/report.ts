// What quantize tells about its work.
import type { Likeness } from './agreement.js';

export interface LayerReport {
  readonly node: string;
  readonly operator: string;
  /** The weight, by its name in the model that was given. */
  readonly weight: string;
  readonly shape: readonly number[];
  /** Signal to quantization noise of the weight, in dB. */
  readonly weightSqnr: number;
  /** The same of what the layer gives, over the noise of the layers before it too; where it was measured. */
  readonly outputSqnr?: number;
}

/** A node with a weight that stays as it was. */
export interface KeptReport {
  readonly node: string;
  readonly operator: string;
  readonly reason: string;
}

/** How near an output is to the float model's. */
export interface OutputReport extends Likeness {
  readonly name: string;
}

export interface QuantizeReport {
  /** Of the model and its other files. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly layers: readonly LayerReport[];
  readonly kept: readonly KeptReport[];
  /** Of float outputs, where they were measured. */
  readonly outputs: readonly OutputReport[];
}

export interface QuantizeProgress {
  readonly phase: 'quantize' | 'calibrate' | 'compare' | 'single layers';
  readonly done: number;
  readonly total: number;
  /** The node that is quantized next. */
  readonly node?: string;
}
