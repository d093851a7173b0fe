import { describe, expect, it } from 'vitest';
import { GLYPH_SIZE, glyphInput, inkBox, type Ink } from '../../../web/demo/glyph_input';

function inkOf(width: number, height: number, at: (x: number, y: number) => number): Ink {
  const data = new Uint8Array(width * height).map((_, i) => at(i % width, Math.floor(i / width)));
  return { data, width, height };
}

const rectangle = (left: number, top: number, right: number, bottom: number): Ink =>
  inkOf(100, 80, (x, y) => (x >= left && x < right && y >= top && y < bottom ? 255 : 0));

/** The rows and columns of the glyph that have ink. */
function extent(values: Float32Array): { x: [number, number]; y: [number, number] } {
  const filled = [...values.keys()].filter((i) => (values[i] ?? 0) > 0);
  const columns = filled.map((i) => i % GLYPH_SIZE);
  const rows = filled.map((i) => Math.floor(i / GLYPH_SIZE));
  return {
    x: [Math.min(...columns), Math.max(...columns)],
    y: [Math.min(...rows), Math.max(...rows)],
  };
}

describe('glyph input', () => {
  it('finds the box of the ink', () => {
    expect(inkBox(rectangle(7, 20, 60, 31))).toEqual({ x: 7, y: 20, width: 53, height: 11 });
    expect(inkBox(rectangle(99, 79, 100, 80))).toEqual({ x: 99, y: 79, width: 1, height: 1 });
    expect(inkBox(rectangle(0, 0, 0, 0))).toBeUndefined();
  });

  it('scales the longer side to 24 pixels and centres', () => {
    expect(extent(glyphInput(rectangle(10, 8, 58, 80))!)).toEqual({ x: [8, 23], y: [4, 27] });
    expect(extent(glyphInput(rectangle(0, 3, 96, 27))!)).toEqual({ x: [4, 27], y: [13, 18] });
    expect(extent(glyphInput(rectangle(40, 3, 41, 75))!)).toEqual({ x: [15, 15], y: [4, 27] });
  });

  it('does not depend on where and how large it was drawn', () => {
    const small = glyphInput(inkOf(100, 80, (x, y) => (x < 24 && y < 24 && x >= y ? 255 : 0)))!;
    const large = glyphInput(
      inkOf(100, 80, (x, y) => (x >= 20 && x < 92 && y < 72 && x - 20 >= y ? 255 : 0)),
    )!;
    const difference = small.map((v, i) => Math.abs(v - (large[i] ?? 0)));
    expect(Math.max(...difference)).toBeLessThan(0.5);
    expect(difference.reduce((a, b) => a + b) / 576).toBeLessThan(0.03);
  });

  it('averages over areas, also where pixels do not divide evenly', () => {
    const grey = glyphInput(inkOf(37, 37, () => 51))!;
    const inside = [...grey].filter((v) => v > 0);
    expect(inside).toHaveLength(24 * 24);
    for (const v of inside) expect(v).toBeCloseTo(0.2, 5);
    const half = glyphInput(inkOf(48, 48, (x) => (x % 2 ? 255 : x === 0 ? 1 : 0)))!;
    expect(half[16 * GLYPH_SIZE + 16]).toBeCloseTo(0.5);
  });

  it('gives nothing for an empty pad', () => {
    expect(glyphInput(rectangle(0, 0, 0, 0))).toBeUndefined();
  });
});
