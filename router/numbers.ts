// Elements of any dtype as numbers.
import type { EncodedTensor } from '../manifest/parse.js';
import { dtypeInfo, type DType, type TypedArray } from '../worker/dtypes.js';

export type NumberArray = Exclude<TypedArray, BigInt64Array | BigUint64Array>;

export function toNumbers(type: DType, data: TypedArray): NumberArray {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return Float64Array.from(data, Number);
  }
  if (type === 'float16') return Float64Array.from(data, halfToNumber);
  if (type === 'bfloat16') {
    return new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer);
  }
  return data;
}

export const decodeBase64 = (base64: string) =>
  Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

export function decodeTensor({ dtype, base64 }: EncodedTensor): TypedArray {
  return new (dtypeInfo(dtype).array)(decodeBase64(base64).buffer);
}

/** The largest of an element. Infinity where one is NaN and the other is not. */
export interface Difference {
  readonly maxAbs: number;
  /** Relative to the larger of the two. */
  readonly maxRel: number;
}

export function differenceOf(values: NumberArray, expected: NumberArray): Difference {
  let [maxAbs, maxRel] = [0, 0];
  for (const [i, value] of values.entries()) {
    const wanted = expected[i]!;
    if (Object.is(value, wanted) || value === wanted) continue;
    const off = Math.abs(value - wanted);
    maxAbs = larger(maxAbs, off);
    maxRel = larger(maxRel, off / Math.max(Math.abs(value), Math.abs(wanted)));
  }
  return { maxAbs, maxRel };
}

// NaN must not pass as small.
const larger = (worst: number, off: number) =>
  off <= worst ? worst : Number.isNaN(off) ? Infinity : off;

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -14;
  return sign * (1 + fraction) * 2 ** (exponent - 15);
}
