// The ONNX messages, read from the onnx.proto that setup unpacked from Debian's libonnx-dev.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { readEnvironment } from '../setup/environment.mjs';

function protoFile() {
  const headers = readEnvironment()?.headers;
  const path = headers && join(headers, 'usr/include/onnx/onnx.proto');
  if (!path || !existsSync(path)) {
    throw new Error('onnx.proto is not installed. Type: npm start (or node tools/setup/index.mjs)');
  }
  return path;
}

const types = protobuf.loadSync(protoFile());

export const ModelProto = types.lookupType('onnx.ModelProto');
export const TensorProto = types.lookupType('onnx.TensorProto');

/** ONNX dtype number by the name the public API uses. */
export const dtypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};

/** The typed array that holds elements of a dtype in a TensorProto's raw_data. */
export const arrays = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  float64: Float64Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
};
