// Reads TensorProto files, the format of ONNX's test data.
import { readFileSync } from 'node:fs';
import { TensorProto, arrays, dtypes } from './schema.mjs';

const names = Object.fromEntries(Object.entries(dtypes).map(([name, number]) => [number, name]));
const typedFields = {
  float32: 'floatData',
  int64: 'int64Data',
  float64: 'doubleData',
  uint64: 'uint64Data',
};

/** @returns {{name: string, dtype: string, dims: number[], data: ArrayBufferView}} */
export function decodeTensor(bytes) {
  const proto = TensorProto.decode(bytes);
  const dtype = names[proto.dataType];
  const dims = proto.dims.map(Number);
  const count = dims.reduce((a, b) => a * b, 1);
  const data = proto.rawData.length
    ? fromRaw(arrays[dtype], proto.rawData)
    : fromFields(dtype, proto[typedFields[dtype] ?? 'int32Data']);
  if (data.length !== count) {
    throw new Error(`tensor '${proto.name}': ${data.length} elements, its dims say ${count}`);
  }
  return { name: proto.name, dtype, dims, data };
}

export const readTensor = (path) => decodeTensor(readFileSync(path));

function fromRaw(ArrayType, raw) {
  const aligned = new Uint8Array(raw);
  return new ArrayType(aligned.buffer, 0, aligned.byteLength / ArrayType.BYTES_PER_ELEMENT);
}

function fromFields(dtype, values) {
  const ArrayType = arrays[dtype];
  const is64 = dtype === 'int64' || dtype === 'uint64';
  return ArrayType.from(values, is64 ? (v) => BigInt(v.toString()) : Number);
}
