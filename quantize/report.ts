// What quantize tells about its work.

export interface LayerReport {
  readonly node: string;
  readonly operator: string;
  /** The weight, by its name in the model that was given. */
  readonly weight: string;
  readonly shape: readonly number[];
  /** Signal to quantization noise of the weight, in dB. */
  readonly weightSqnr: number;
}

/** A node with a weight that stays as it was. */
export interface KeptReport {
  readonly node: string;
  readonly operator: string;
  readonly reason: string;
}

export interface QuantizeReport {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly layers: readonly LayerReport[];
  readonly kept: readonly KeptReport[];
}

export interface QuantizeProgress {
  readonly done: number;
  readonly total: number;
  /** The node that comes next. */
  readonly node: string;
}
