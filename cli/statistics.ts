// Numbers that describe a tensor or a series of times.
import { fromHalf } from '../quantize/half.js';
import type { AnyTensor, DType, TypedArray } from '../web/index.js';

export interface Summary {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Elements that are NaN; the other numbers leave them out. */
  readonly nan: number;
}

/** Undefined for tensors without elements and for element types that have no JavaScript number. */
export function summarize({ type, data }: AnyTensor): Summary | undefined {
  const decode = decoderOf(type);
  if (!decode || data.length === 0) return undefined;
  let [min, max, sum, nan] = [Infinity, -Infinity, 0, 0];
  for (const element of data as unknown as Iterable<TypedArray[number]>) {
    const value = decode(element);
    if (Number.isNaN(value)) nan += 1;
    else {
      min = Math.min(min, value);
      max = Math.max(max, value);
      sum += value;
    }
  }
  return { min, max, mean: sum / (data.length - nan), nan };
}

/** From an element of `data` to its number; undefined for types that have no JavaScript number. */
export const decoderOf = (type: DType) => decoders[type] ?? (hasNumbers(type) ? Number : undefined);

const hasNumbers = (type: DType) => !/^(string|u?int[24]|float8.*|float4.*)$/.test(type);

const decoders: Partial<Record<DType, (element: number | bigint) => number>> = {
  float16: (bits) => fromHalf(Number(bits)),
  bfloat16: (bits) => {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, Number(bits) << 16);
    return view.getFloat32(0);
  },
};

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
