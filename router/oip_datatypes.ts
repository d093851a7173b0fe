// Element types as the Open Inference Protocol names them.
import type { DType } from '../worker/dtypes.js';

const NAMES: Partial<Readonly<Record<DType, string>>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  bfloat16: 'BF16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
};

const types = new Map(Object.entries(NAMES).map(([type, name]) => [name, type as DType]));

/** What the protocol has no name for keeps its own. */
export const datatypeOf = (type: DType): string => NAMES[type] ?? type.toUpperCase();

export const dtypeOf = (datatype: string): DType | undefined => types.get(datatype);

/** Types without a form in JSON: they travel as binary data only. */
export const isBinaryOnly = (type: DType) =>
  type === 'float16' || type === 'bfloat16' || NAMES[type] === undefined;
