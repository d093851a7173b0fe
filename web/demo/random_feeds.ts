import { SardonyxError, Tensor, type DType, type ValueInfo } from '../index';

export type Fill = 'random' | 'zeros' | 'ones';

/** Elements beyond which the page would rather not allocate: 1 GiB of float32. */
const elementLimit = 2 ** 28;

type Numbers = ArrayBufferView & { length: number; [index: number]: number | bigint };

const arrays: Partial<Record<DType, new (length: number) => Numbers>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

const one16 = 0x3c00;

const refuse = ({ name }: ValueInfo, message: string) =>
  new SardonyxError('INVALID_ARGUMENT', `Input '${name}' ${message}`, { tensor: name });

/**
 * A tensor for one input. Random floats are in [0, 1), random integers 0 or 1: valid as token ids and masks.
 * `next` gives numbers in [0, 1). INVALID_ARGUMENT for inputs of other types, and too large ones.
 */
export function makeFeed(
  info: ValueInfo,
  shape: readonly number[],
  fill: Fill,
  next: () => number = Math.random,
): Tensor {
  const ArrayType = info.kind === 'tensor' ? arrays[info.type] : undefined;
  if (!ArrayType) {
    const type = info.kind === 'tensor' ? info.type : `a ${info.kind}`;
    throw refuse(info, `is ${type}: random values of that type can not be made.`);
  }
  const count = shape.reduce((a, b) => a * b, 1);
  if (!(count <= elementLimit))
    throw refuse(info, `would have ${count} elements: choose smaller dims.`);
  const data = new ArrayType(count);
  if (fill !== 'zeros')
    for (let i = 0; i < count; i++) data[i] = elementValue(info.type, fill, next);
  return new Tensor(info.type, data as unknown as Float32Array, shape);
}

function elementValue(type: DType, fill: Fill, next: () => number): number | bigint {
  const value = fill === 'ones' ? 1 : next();
  switch (type) {
    case 'float32':
    case 'float64':
      return value;
    case 'float16':
      // Halves, quarters and so on down to 1/16 are exact steps of the exponent.
      return fill === 'ones' ? one16 : one16 - 0x400 * Math.ceil(4 * value);
    case 'int64':
    case 'uint64':
      return BigInt(Math.round(value));
    default:
      return Math.round(value);
  }
}
