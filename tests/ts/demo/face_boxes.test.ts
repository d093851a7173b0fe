import { describe, expect, it } from 'vitest';
import { candidates, overlap, suppress, type FaceBox } from '../../../web/demo/face_boxes';

const box = (left: number, top: number, right: number, bottom: number, score = 1): FaceBox => ({
  left,
  top,
  right,
  bottom,
  score,
});

describe('face boxes', () => {
  it('keeps candidates over the threshold, best first', () => {
    const scores = Float32Array.of(0.9, 0.1, 0.2, 0.8, 0.05, 0.95);
    const boxes = Float32Array.of(0, 0, 1, 1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.75, 1);
    const found = candidates(scores, boxes, 0.7);
    expect(found.map(({ left, right }) => [left, right])).toEqual([
      [0.5, 0.75],
      [Math.fround(0.1), Math.fround(0.3)],
    ]);
    expect(found[0]?.score).toBeCloseTo(0.95);
  });

  it('measures intersection over union', () => {
    expect(overlap(box(0, 0, 2, 2), box(0, 0, 2, 2))).toBe(1);
    expect(overlap(box(0, 0, 2, 2), box(1, 1, 3, 3))).toBeCloseTo(1 / 7);
    expect(overlap(box(0, 0, 1, 1), box(1, 0, 2, 1))).toBe(0);
    expect(overlap(box(0, 0, 1, 1), box(5, 5, 6, 6))).toBe(0);
  });

  it('suppresses what overlaps a better box', () => {
    const best = box(0, 0, 10, 10, 0.9);
    const shifted = box(1, 0, 11, 10, 0.8);
    const other = box(20, 20, 30, 30, 0.75);
    expect(suppress([best, shifted, other], 0.3)).toEqual([best, other]);
    expect(suppress([best, shifted, other], 0.9)).toHaveLength(3);
    expect(suppress([], 0.3)).toEqual([]);
  });
});
