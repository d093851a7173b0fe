// Numbers in blocks of 4-bit integers: value = (integer - zero point) * scale, integers from 0 to 15, two in a byte,
// the first in the low half. Scales are positive, as not every reader takes others.
import { Noise } from './sqnr.js';

/** The zero point where none is stored. */
const MIDDLE = 8;
const LARGEST = 15;
/** A scale is tried by how many steps reach the largest magnitude: 8 go down from the middle, 7 up. */
const STEPS = [7, 7.5, 8, 8.5, 9];
/** With a zero point, how much of the range is covered; the rest is cut off. */
const PARTS = [1, 0.95, 0.9, 0.85, 0.8];

interface Grid {
  readonly scale: number;
  readonly zero: number;
}

const integer = (value: number, { scale, zero }: Grid): number =>
  Math.max(0, Math.min(LARGEST, Math.round(value / scale) + zero));

function symmetricGrids(values: Float32Array): Grid[] {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return STEPS.map((steps) => ({ scale: Math.fround(largest / steps) || 1, zero: MIDDLE }));
}

/** 0 stays exact. */
function shiftedGrids(values: Float32Array): Grid[] {
  let [low, high] = [0, 0];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return PARTS.map((part) => {
    const scale = Math.fround(((high - low) * part) / LARGEST) || 1;
    return { scale, zero: Math.min(LARGEST, Math.round((-low * part) / scale)) };
  });
}

/** Of several grids the one with the least squared error. */
function bestGrid(values: Float32Array, grids: readonly Grid[]): Grid {
  let [best, least] = [grids[0]!, Infinity];
  for (const grid of grids) {
    let error = 0;
    for (const value of values) {
      error += (value - (integer(value, grid) - grid.zero) * grid.scale) ** 2;
    }
    if (error < least) [best, least] = [grid, error];
  }
  return best;
}

export interface Rows {
  readonly count: number;
  /** Numbers in a row. */
  readonly length: number;
  /** Bytes of a packed row; what is behind its last number is 8. */
  readonly bytes: number;
  /** Fills in numbers [first, first + into.length) of a row. */
  read(row: number, first: number, into: Float32Array): void;
}

export interface Packed {
  readonly packed: Uint8Array;
  /** One for each group of each row. */
  readonly scales: Float32Array;
  /** Two in a byte, rows begin with a byte; undefined where all are 8. */
  readonly zeros: Uint8Array | undefined;
  readonly sqnr: number;
}

export function quantizeRows(
  rows: Rows,
  { group, zeroPoints }: { readonly group: number; readonly zeroPoints: boolean },
): Packed {
  const { count, length, bytes } = rows;
  const groups = Math.ceil(length / group);
  const zeroBytes = Math.ceil(groups / 2);
  const packed = new Uint8Array(count * bytes).fill(MIDDLE | (MIDDLE << 4));
  const scales = new Float32Array(count * groups);
  const zeros = new Uint8Array(count * zeroBytes);
  const noise = new Noise();
  const memory = new Float32Array(group);
  const grids = zeroPoints ? shiftedGrids : symmetricGrids;
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < groups; i++) {
      const values = memory.subarray(0, Math.min(group, length - i * group));
      rows.read(row, i * group, values);
      const grid = bestGrid(values, grids(values));
      scales[row * groups + i] = grid.scale;
      zeros[row * zeroBytes + (i >> 1)]! |= grid.zero << (4 * (i & 1));
      pack(values, grid, packed.subarray(row * bytes + (i * group) / 2), noise);
    }
  }
  return { packed, scales, zeros: zeroPoints ? zeros : undefined, sqnr: noise.decibels };
}

function pack(values: Float32Array, grid: Grid, to: Uint8Array, noise: Noise): void {
  for (let i = 0; i < values.length; i++) {
    const code = integer(values[i]!, grid);
    noise.add(values[i]!, (code - grid.zero) * grid.scale);
    const at = i >> 1;
    to[at] = i % 2 === 0 ? code | (MIDDLE << 4) : (to[at]! & LARGEST) | (code << 4);
  }
}
