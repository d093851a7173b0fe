// Written by tools/generate_manifest.mjs from manifest/schema.json.

export type Text = string;
export type Dtype =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool';
export type Size = number;
/**
 * A dim is a number or the name of a symbol.
 */
export type Shape = (Size | Text)[];
export type Identifier = string;
export type Sha256 = string;
export type Precision = 'fp32' | 'fp16' | 'int8' | 'int4';

/**
 * A model in several variants: what it is, its files, and answers that a right engine gives.
 */
export interface Manifest {
  /**
   * For editors.
   */
  $schema?: string;
  /**
   * Version of this format.
   */
  format: 1;
  /**
   * The name the model is stored by.
   */
  name: string;
  /**
   * Version of the model.
   */
  version: string;
  /**
   * SPDX expression, or a sentence.
   */
  license: string;
  /**
   * One line for people.
   */
  title?: string;
  /**
   * Names of classes in the order of the output: an array, or a string of one character each.
   */
  labels?: Text | string[];
  /**
   * Groups of labels that can not be told apart by their picture.
   */
  lookAlikes?: string[][];
  /**
   * @minItems 1
   */
  inputs: ManifestInput[];
  /**
   * @minItems 1
   */
  outputs: ManifestOutput[];
  /**
   * Weights, counted.
   */
  parameters?: number;
  /**
   * @minItems 1
   */
  variants: Variant[];
  remote?: ManifestRemote;
  /**
   * Figures for people, in any form.
   */
  measured?: Record<string, unknown>;
  /**
   * What the self-test feeds and expects.
   */
  knownAnswers?: KnownAnswer[];
  rollout?: Rollout;
}
export interface ManifestInput {
  name: Text;
  dtype: Dtype;
  shape: Shape;
  /**
   * How to make it, for people.
   */
  prepare?: string;
}
export interface ManifestOutput {
  name: Text;
  dtype: Dtype;
  shape: Shape;
  /**
   * What it means, for people.
   */
  interpret?: string;
}
export interface Variant {
  name: Identifier;
  /**
   * The .onnx file, relative to the manifest.
   */
  url: string;
  bytes: number;
  sha256: Sha256;
  chunks?: Chunks;
  precision: Precision;
  /**
   * Where the variant may run.
   *
   * @minItems 1
   */
  devices: ('webgpu' | 'cpu')[];
  opset: number;
  needs?: Needs;
}
/**
 * Hashes of the parts of the file, all of one size but the last.
 */
export interface Chunks {
  bytes: number;
  /**
   * @minItems 1
   */
  sha256: Sha256[];
}
/**
 * What a machine must have to run the variant.
 */
export interface Needs {
  /**
   * Memory of the engine at the peak of a run.
   */
  memoryBytes?: number;
  features?: ('threads' | 'relaxed-simd')[];
}
/**
 * A server of the Open Inference Protocol v2, asked only where the app allows it.
 */
export interface ManifestRemote {
  /**
   * Up to /v2, relative to the manifest.
   */
  url: string;
  model?: Text;
  version?: Text;
}
export interface KnownAnswer {
  title: Text;
  inputs: Record<string, EncodedTensor>;
  outputs: Record<string, EncodedTensor>;
  /**
   * Largest absolute difference: one number, or one per precision.
   */
  tolerance:
    | number
    | {
        fp32?: number;
        fp16?: number;
        int8?: number;
        int4?: number;
      };
}
export interface EncodedTensor {
  dtype: Dtype;
  shape: Size[];
  /**
   * Elements, little-endian, row-major.
   */
  base64: string;
}
/**
 * A candidate version that some clients run in place of this one.
 */
export interface Rollout {
  /**
   * The candidate's manifest, relative to this one.
   */
  url: string;
  /**
   * The candidate's version.
   */
  version: string;
  /**
   * How many of the clients run it.
   */
  percent: number;
  /**
   * Share of the runs that may fail by the fault of a route; default 0.005.
   */
  errorBudget?: number;
  /**
   * What 95 % of the runs must stay below; default: anything.
   */
  latencyBudgetMs?: number;
}
