// The elements of a TensorProto as a typed array, and back. Its fields are not trusted.
import { create } from '@bufbuild/protobuf';
import { SardonyxError } from '../web/index.js';
import {
  arrayLength,
  byteLength,
  dtypeByNumber,
  dtypeInfo,
  type DType,
  type DTypeInfo,
  type TypedArray,
} from '../worker/dtypes.js';
import { TensorProtoSchema, type TensorProto } from './onnx_pb.generated.js';

/** TensorProto.DataType of float32. */
export const FLOAT = 1;
export const FLOAT16 = 10;

type Code = 'TENSOR_DIMS' | 'TENSOR_PAYLOAD' | 'DTYPE_UNSUPPORTED' | 'LIMIT_EXCEEDED';

const wrong = ({ name }: TensorProto, code: Code, message: string) =>
  new SardonyxError(code, `tensor ${name || 'without a name'}: ${message}`, { tensor: name });

/** Dims whose product is a count of elements that JavaScript can hold exactly. */
export function dimsOf(tensor: TensorProto): number[] {
  let count = 1;
  const dims = tensor.dims.map((dim) => {
    if (dim < 0n) throw wrong(tensor, 'TENSOR_DIMS', `a dim is ${dim.toString()}`);
    count *= Number(dim);
    return Number(dim);
  });
  if (count <= Number.MAX_SAFE_INTEGER) return dims;
  throw wrong(tensor, 'LIMIT_EXCEEDED', `${tensor.dims.join(' x ')} are too many elements`);
}

export const countOf = (tensor: TensorProto): number => dimsOf(tensor).reduce((a, b) => a * b, 1);

export function infoOf(tensor: TensorProto): DTypeInfo {
  const info = dtypeByNumber(tensor.dataType);
  if (info && info.type !== 'string') return info;
  throw wrong(tensor, 'DTYPE_UNSUPPORTED', `its element type is ${tensor.dataType}`);
}

/** Bytes of an element of the typed array. */
const unitOf = ({ bits }: DTypeInfo) => Math.max(8, bits) / 8;

function fromRaw(info: DTypeInfo, bytes: Uint8Array, length: number): TypedArray {
  const aligned = bytes.byteOffset % unitOf(info) === 0;
  const { buffer, byteOffset } = aligned ? bytes : new Uint8Array(bytes);
  return new info.array(buffer, byteOffset, length);
}

/** The field that has the elements when they are not in raw_data. */
function listOf(tensor: TensorProto, type: DType): readonly (number | bigint)[] {
  switch (type) {
    case 'float32':
      return tensor.floatData;
    case 'float64':
      return tensor.doubleData;
    case 'int64':
      return tensor.int64Data;
    case 'uint32':
    case 'uint64':
      return tensor.uint64Data;
    default:
      return tensor.int32Data;
  }
}

function fromList(info: DTypeInfo, list: readonly (number | bigint)[]): TypedArray {
  const data = new info.array(new ArrayBuffer(list.length * unitOf(info)));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.set(list as bigint[]);
  else for (const [i, value] of list.entries()) data[i] = Number(value);
  return data;
}

/** A view of the file where it is aligned: not to be written to. Types under a byte are packed. */
export function elementsOf(tensor: TensorProto): TypedArray {
  const info = infoOf(tensor);
  const count = countOf(tensor);
  const raw = tensor.rawData;
  const list = listOf(tensor, info.type);
  const [length, expected] =
    list.length > 0 || raw.length === 0
      ? [list.length, arrayLength(info, count)]
      : [raw.length, byteLength(info, count)];
  if (length === expected) {
    return list.length > 0 ? fromList(info, list) : fromRaw(info, raw, arrayLength(info, count));
  }
  const unit = list.length > 0 ? 'elements' : 'bytes';
  const dims = tensor.dims.join(', ');
  throw wrong(
    tensor,
    'TENSOR_PAYLOAD',
    `${length} ${unit}, and ${info.type} [${dims}] has ${expected}`,
  );
}

/** The elements of a float32 tensor. */
export function floatsOf(tensor: TensorProto): Float32Array {
  const data = elementsOf(tensor);
  if (data instanceof Float32Array) return data;
  throw wrong(tensor, 'DTYPE_UNSUPPORTED', `its element type is ${infoOf(tensor).type}`);
}

/** Why a tensor is none of numbers that can be quantized; undefined where it is. */
export function whyNoNumbers(tensor: TensorProto): string | undefined {
  if (tensor.dataType !== FLOAT) return 'is not of float32';
  if (countOf(tensor) === 0) return 'is empty';
  const finite = floatsOf(tensor).every(Number.isFinite);
  return finite ? undefined : 'has elements that are infinite or NaN';
}

/** Bytes of the elements as they lie in the file. */
export function storedBytes(tensor: TensorProto): number {
  const info = dtypeByNumber(tensor.dataType);
  return info && info.type !== 'string' ? byteLength(info, countOf(tensor)) : 0;
}

export function makeTensor(
  name: string,
  type: DType,
  dims: readonly number[],
  data: TypedArray,
): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: dtypeInfo(type).number,
    dims: dims.map(BigInt),
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  });
}
