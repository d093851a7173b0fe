// onnxruntime-web's Tensor: its constructor forms, properties and kinds of errors.
import { dtypeInfo } from '../../worker/dtypes.js';

export type Type =
  | 'float32'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'bool'
  | 'float16'
  | 'float64'
  | 'uint32'
  | 'uint64'
  | 'uint4'
  | 'int4';

export interface DataTypeMap {
  float32: Float32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  string: string[];
  bool: Uint8Array;
  float16: Uint16Array;
  float64: Float64Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  uint4: Uint8Array;
  int4: Int8Array;
}

export type DataType = DataTypeMap[Type];

type AnyData = DataType | Uint8ClampedArray;
type Values = readonly number[] | readonly bigint[] | readonly boolean[] | readonly string[];

interface ArrayType {
  readonly name: string;
  new (length: number): Exclude<DataType, string[]>;
  from(values: ArrayLike<unknown>, map?: (value: never) => unknown): Exclude<DataType, string[]>;
}

// A browser that has Float16Array uses it for float16, as onnxruntime-web does.
const Float16: ArrayType = (globalThis as { Float16Array?: ArrayType }).Float16Array ?? Uint16Array;

function arrayOf(type: Exclude<Type, 'string'>): ArrayType {
  if (type === 'float16') return Float16;
  if (type === 'int4') return Int8Array;
  return dtypeInfo(type).array as unknown as ArrayType;
}

const TYPES: readonly Type[] = [
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'uint4',
  'int4',
];

// What a tensor is when only its data is given.
const INFERRED: readonly Exclude<Type, 'string'>[] = [
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'float64',
  'uint32',
  'uint64',
  'float16',
];

export class Tensor<T extends Type = Type> {
  readonly type: T;
  readonly dims: readonly number[];
  readonly size: number;
  #data: DataTypeMap[T] | undefined;

  constructor(type: T, data: DataTypeMap[T] | Uint8ClampedArray | Values, dims?: readonly number[]);
  constructor(data: AnyData | readonly boolean[], dims?: readonly number[]);
  constructor(
    first: T | AnyData | readonly boolean[],
    second?: AnyData | Values,
    third?: readonly number[],
  ) {
    const named = typeof first === 'string';
    const [type, data] = named ? convert(first, second) : infer(first);
    const dims = (named ? third : (second as readonly number[] | undefined)) ?? [data.length];
    if (!Array.isArray(dims)) throw new TypeError("A tensor's dims must be a number array");
    this.size = sizeOf(dims as readonly unknown[]);
    this.type = type as T;
    this.dims = [...(dims as readonly number[])];
    const packed = type === 'int4' || type === 'uint4';
    if (data.length !== (packed ? Math.ceil(this.size / 2) : this.size)) {
      throw new Error(`A tensor of ${this.size} elements can not hold ${data.length} of them.`);
    }
    this.#data = data as DataTypeMap[T];
  }

  get location(): 'cpu' | 'none' {
    return this.#data ? 'cpu' : 'none';
  }

  get data(): DataTypeMap[T] {
    if (this.#data) return this.#data;
    throw new Error('The tensor is disposed.');
  }

  getData(_releaseData?: boolean): Promise<DataTypeMap[T]> {
    return new Promise((resolve) => resolve(this.data));
  }

  /** The same data under other dims. */
  reshape(dims: readonly number[]): Tensor<T> {
    return new Tensor(this.type, this.data, dims);
  }

  dispose(): void {
    this.#data = undefined;
  }
}

function sizeOf(dims: readonly unknown[]): number {
  return dims.reduce((size: number, dim, axis) => {
    if (typeof dim !== 'number' || !Number.isSafeInteger(dim)) {
      throw new TypeError(`dims[${axis}] must be an integer, got: ${String(dim)}`);
    }
    if (dim < 0) throw new RangeError(`dims[${axis}] must not be negative, got: ${dim}`);
    return size * dim;
  }, 1);
}

function convert(type: Type, data: AnyData | Values | undefined): [Type, DataType] {
  if (!TYPES.includes(type)) throw new TypeError(`Unsupported tensor type: ${type}.`);
  if (type === 'string') {
    if (!isStrings(data)) throw new TypeError("A string tensor's data must be a string array.");
    return [type, data];
  }
  const array = arrayOf(type);
  if (Array.isArray(data)) return [type, fromValues(type, array, data)];
  if (data instanceof array) return [type, data];
  if (type === 'float16' && data instanceof Uint16Array) {
    return [
      type,
      new (array as unknown as typeof Uint16Array)(
        data.buffer as ArrayBuffer,
        data.byteOffset,
        data.length,
      ),
    ];
  }
  if (type === 'uint8' && data instanceof Uint8ClampedArray) return [type, bytesOf(data)];
  throw new TypeError(`A ${type} tensor's data must be of type ${array.name}.`);
}

function fromValues(type: Type, array: ArrayType, values: readonly unknown[]) {
  if (type === 'float16' && array.name === 'Uint16Array') {
    throw new TypeError(
      'A float16 tensor can not be made from numbers here: pass its bits as a Uint16Array.',
    );
  }
  if (type === 'int64' || type === 'uint64') return array.from(values, BigInt);
  return array.from(values, Number);
}

function infer(data: AnyData | readonly boolean[]): [Type, DataType] {
  if (Array.isArray(data)) {
    if (data.length === 0) throw new TypeError('The type of an empty array can not be known.');
    if (isStrings(data)) return ['string', data];
    const values: readonly unknown[] = data;
    if (values.every((value) => typeof value === 'boolean')) {
      return ['bool', Uint8Array.from(values, Number)];
    }
    throw new TypeError('An array of these values needs a tensor type.');
  }
  if (data instanceof Uint8ClampedArray) return ['uint8', bytesOf(data)];
  const type = INFERRED.find((candidate) => (data as unknown) instanceof arrayOf(candidate));
  if (type) return [type, data as DataType];
  throw new TypeError(`Unsupported type for tensor data: ${typeof data}.`);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8ClampedArray) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

const isStrings = (data: unknown): data is string[] =>
  Array.isArray(data) && data.every((value) => typeof value === 'string');
