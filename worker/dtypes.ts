// Element types: the names of the JavaScript API, the numbers of onnx.TensorProto.DataType that
// cross the C ABI, and the typed array that holds them. Types under a byte are packed densely; strings
// are as packed.ts has them, so that their length does not follow from a shape.
const TABLE = {
  float32: [1, 32, Float32Array],
  uint8: [2, 8, Uint8Array],
  int8: [3, 8, Int8Array],
  uint16: [4, 16, Uint16Array],
  int16: [5, 16, Int16Array],
  int32: [6, 32, Int32Array],
  int64: [7, 64, BigInt64Array],
  string: [8, 8, Uint8Array],
  bool: [9, 8, Uint8Array],
  float16: [10, 16, Uint16Array],
  float64: [11, 64, Float64Array],
  uint32: [12, 32, Uint32Array],
  uint64: [13, 64, BigUint64Array],
  bfloat16: [16, 16, Uint16Array],
  float8e4m3fn: [17, 8, Uint8Array],
  float8e4m3fnuz: [18, 8, Uint8Array],
  float8e5m2: [19, 8, Uint8Array],
  float8e5m2fnuz: [20, 8, Uint8Array],
  uint4: [21, 4, Uint8Array],
  int4: [22, 4, Uint8Array],
  float4e2m1: [23, 4, Uint8Array],
  float8e8m0: [24, 8, Uint8Array],
  uint2: [25, 2, Uint8Array],
  int2: [26, 2, Uint8Array],
} as const;

export type DType = keyof typeof TABLE;

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export interface TypedArrayConstructor {
  readonly name: string;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray;
}

export interface DTypeInfo {
  readonly type: DType;
  readonly number: number;
  readonly bits: number;
  readonly array: TypedArrayConstructor;
}

const byNumber = new Map<number, DTypeInfo>();
const byName = new Map<string, DTypeInfo>();
for (const [type, [number, bits, array]] of Object.entries(TABLE)) {
  const info = { type: type as DType, number, bits, array };
  byNumber.set(number, info);
  byName.set(type, info);
}

export const dtypeByName = (name: string) => byName.get(name);
export const dtypeByNumber = (number: number) => byNumber.get(number);
export const dtypeInfo = (type: DType) => byName.get(type)!;

export const elementCount = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

// Length of the typed array that holds `elements` elements.
export function arrayLength(info: DTypeInfo, elements: number): number {
  return info.bits < 8 ? Math.ceil((elements * info.bits) / 8) : elements;
}

export const byteLength = (info: DTypeInfo, elements: number) =>
  Math.ceil((elements * info.bits) / 8);

// A shape that fits: 1 for dims that are open, unless `sizes` has them by name; no dims for no shape.
export const closedShape = (
  shape: readonly (number | string | null)[] | null,
  sizes?: ReadonlyMap<string, number>,
): number[] =>
  (shape ?? []).map((dim) => (typeof dim === 'number' ? dim : (sizes?.get(dim ?? '') ?? 1)));

// "1, 3, height, ?" for messages and tables; "…" when not even the number of dims is known.
export const dimsText = (shape: readonly (number | string | null)[] | null): string =>
  shape?.map((dim) => dim ?? '?').join(', ') ?? '…';
