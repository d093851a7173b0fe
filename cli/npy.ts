// Reads NumPy's .npy files. Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
import { SardonyxError, Tensor, type DType } from '../web/index.js';
import { byteLength, dtypeInfo, elementCount } from '../worker/dtypes.js';
import { fromBytes } from './tensor_proto.js';

const TYPES: Readonly<Record<string, DType>> = {
  '<f4': 'float32',
  '<f8': 'float64',
  '<f2': 'float16',
  '|i1': 'int8',
  '|u1': 'uint8',
  '<i2': 'int16',
  '<u2': 'uint16',
  '<i4': 'int32',
  '<u4': 'uint32',
  '<i8': 'int64',
  '<u8': 'uint64',
  '|b1': 'bool',
};

const refuse = (what: string) =>
  new SardonyxError('INVALID_ARGUMENT', `not a .npy file that can be read: ${what}`, {
    field: 'input',
  });

/** INVALID_ARGUMENT when the bytes are something else, big-endian, or in Fortran order. */
export function readNpy(bytes: Uint8Array): Tensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = String.fromCharCode(...bytes.subarray(1, 6));
  if (bytes.length < 12 || bytes[0] !== 0x93 || magic !== 'NUMPY') throw refuse('no header');
  const long = view.getUint8(6) > 1;
  const start = long ? 12 : 10;
  const end = start + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  if (end > bytes.length) throw refuse('its end is missing');
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, end));
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1] ?? '';
  const shape = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const type = TYPES[descr];
  if (!type) throw refuse(`element type '${descr}'`);
  if (shape === undefined) throw refuse('no shape');
  const dims = (shape.match(/\d+/g) ?? []).map(Number);
  if (!/'fortran_order'\s*:\s*False/.test(header) && dims.length > 1) {
    throw refuse('it is in Fortran order; save numpy.ascontiguousarray(x)');
  }
  const info = dtypeInfo(type);
  const size = byteLength(info, elementCount(dims));
  if (size > bytes.length - end) throw refuse('its end is missing');
  if (size < bytes.length - end) throw refuse('it goes on behind the array');
  return new Tensor(type, fromBytes(info, bytes.subarray(end, end + size)), dims);
}
