// From ranges to the scales and zero points of 8-bit tensors: value = scale · (code − zero).
import type { Range } from './observer.js';

export interface Affine {
  /** A float32 number, positive and not subnormal. */
  readonly scale: number;
  readonly zero: number;
}

export const SMALLEST_SCALE = 2 ** -126;

/** A scale as float32 has it; 1 for tensors that are zero everywhere. */
const asScale = (scale: number) => (scale > 0 ? Math.max(Math.fround(scale), SMALLEST_SCALE) : 1);

/** All 256 codes for the range, stretched to zero, which one code is exactly. */
export function uint8Affine(range: Range): Affine {
  const [min, max] = [Math.min(range.min, 0), Math.max(range.max, 0)];
  const scale = asScale((max - min) / 255);
  return { scale, zero: Math.min(255, Math.round((0 - min) / scale)) };
}

/** Codes −127 to 127, so that both signs reach as far. */
export function int8Scale(largest: number): number {
  return asScale(largest / 127);
}
