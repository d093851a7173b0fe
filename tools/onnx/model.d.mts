export type Values = ArrayLike<number> | ArrayLike<bigint>;

export interface TensorMessage {
  name: string;
  dataType: number;
  dims: number[];
  rawData?: Uint8Array;
  externalData?: { key: string; value: string }[];
  dataLocation?: number;
}
export interface NodeMessage {
  opType: string;
  name: string;
  domain?: string;
  input: string[];
  output: string[];
  attribute: object[];
}
export interface ValueMessage {
  name: string;
  type: object;
}
export interface GraphParts {
  name?: string;
  inputs: ValueMessage[];
  outputs: ValueMessage[];
  nodes: NodeMessage[];
  initializers?: TensorMessage[];
}
export interface ModelParts extends GraphParts {
  opset?: number;
  domains?: Record<string, number>;
  irVersion?: number;
}

export function float(value: number): object;
export function node(
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes?: Record<string, unknown>,
  names?: { name?: string; domain?: string },
): NodeMessage;
export function tensor(
  name: string,
  dtype: string,
  dims: number[],
  values: Values | Uint8Array,
): TensorMessage;
export function value(name: string, dtype: string, dims: (number | string)[]): ValueMessage;
export function sequence(of: ValueMessage): ValueMessage;
export function optional(of: ValueMessage): ValueMessage;
export function graph(parts: GraphParts): object;
export function encodeModel(parts: ModelParts): Uint8Array;
