import { describe, expect, it } from 'vitest';
import { tilesOf } from '../../../web/demo/tiles';

const margin = 16;

describe.each([
  [1, 1, 320],
  [320, 320, 320],
  [321, 200, 320],
  [640, 480, 320],
  [1999, 37, 320],
  [1024, 1023, 64],
])('tiles of %i × %i, at most %i', (width, height, limit) => {
  const tiles = tilesOf(width, height, limit, margin);

  it('keeps every pixel once', () => {
    const kept = new Uint8Array(width * height);
    for (const { keep } of tiles) {
      for (let y = keep.y; y < keep.y + keep.height; y++)
        for (let x = keep.x; x < keep.x + keep.width; x++) kept[y * width + x]!++;
    }
    expect(kept.every((count) => count === 1)).toBe(true);
  });

  it('reads inside the picture, all tiles of one size', () => {
    for (const { read } of tiles) {
      expect([read.width, read.height]).toEqual([tiles[0]?.read.width, tiles[0]?.read.height]);
      expect(Math.max(read.width, read.height)).toBeLessThanOrEqual(limit);
      expect(read.x).toBeGreaterThanOrEqual(0);
      expect(read.y).toBeGreaterThanOrEqual(0);
      expect(read.x + read.width).toBeLessThanOrEqual(width);
      expect(read.y + read.height).toBeLessThanOrEqual(height);
    }
  });

  it('keeps the margin to edges that the picture does not have', () => {
    const enough = (distance: number, atEdge: boolean): boolean => atEdge || distance >= margin;
    for (const { read, keep } of tiles) {
      const right = read.x + read.width;
      const bottom = read.y + read.height;
      expect(enough(keep.x - read.x, read.x === 0)).toBe(true);
      expect(enough(keep.y - read.y, read.y === 0)).toBe(true);
      expect(enough(right - keep.x - keep.width, right === width)).toBe(true);
      expect(enough(bottom - keep.y - keep.height, bottom === height)).toBe(true);
    }
  });
});
