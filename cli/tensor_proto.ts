// Reads a TensorProto, the format of ONNX's test data.
import { SardonyxError, Tensor, type AnyTensor, type TypedArray } from '../web/index.js';
import { dtypeByNumber, type DTypeInfo } from '../worker/dtypes.js';
import { MalformedError, Reader, varints } from './protobuf.js';

const malformed = (what: string) =>
  new SardonyxError('INVALID_ARGUMENT', `not a TensorProto: ${what}`, { field: 'input' });

/** INVALID_ARGUMENT when the bytes are no TensorProto, or one whose data are elsewhere. */
export function readTensorProto(bytes: Uint8Array): AnyTensor {
  try {
    return read(bytes);
  } catch (thrown) {
    throw thrown instanceof MalformedError ? malformed(thrown.message) : thrown;
  }
}

function read(bytes: Uint8Array): AnyTensor {
  const dims: number[] = [];
  const integers: bigint[] = [];
  const floats: Uint8Array[] = [];
  const strings: string[] = [];
  let raw: Uint8Array | undefined;
  let type = 0;
  for (const reader = new Reader(bytes); !reader.done;) {
    const field = reader.field();
    switch (field.number) {
      case 1:
        dims.push(...varints(field).map(Number));
        break;
      case 2:
        type = Number(field.varint);
        break;
      case 4: // float_data
      case 10: // double_data
        floats.push(field.bytes);
        break;
      case 5: // int32_data
      case 7: // int64_data
      case 11: // uint64_data
        for (const value of varints(field)) integers.push(value);
        break;
      case 6:
        strings.push(textOf(field.bytes));
        break;
      case 9:
        raw = field.bytes;
        break;
      case 14:
        if (field.varint === 1n) throw malformed('its data are in another file');
    }
  }
  const info = dtypeByNumber(type);
  if (!info) throw malformed(`there is no element type ${type}`);
  if (info.type === 'string') return new Tensor(info.type, strings, dims);
  const data =
    floats.length > 0 ? fromBytes(info, Buffer.concat(floats)) : fromIntegers(info, integers);
  return new Tensor(info.type, raw ? fromBytes(info, raw) : data, dims);
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed('a string is not UTF-8');
  }
}

/** Little-endian elements as a typed array of their own. */
export function fromBytes(info: DTypeInfo, bytes: Uint8Array): TypedArray {
  const size = Math.max(1, info.bits / 8);
  if (bytes.length % size !== 0) {
    throw new SardonyxError('INPUT_SIZE', `${bytes.length} bytes are no whole ${info.type}s`);
  }
  return new info.array(new Uint8Array(bytes).buffer);
}

function fromIntegers(info: DTypeInfo, values: readonly bigint[]): TypedArray {
  const data = new info.array(new ArrayBuffer(values.length * Math.max(1, info.bits / 8)));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.set(values);
  else data.set(values.map((value) => Number(BigInt.asIntN(32, value))));
  return data;
}
