// From the outputs of Ultra-Light-Fast-Generic-Face-Detector (RFB-320) to boxes.

export interface FaceBox {
  /** Corners as fractions of the picture. */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly score: number;
}

/** scores [1, n, 2] (background, face), boxes [1, n, 4] (corners in 0..1) → candidates, best first. */
export function candidates(
  scores: Float32Array,
  boxes: Float32Array,
  threshold: number,
): FaceBox[] {
  const found: FaceBox[] = [];
  for (let i = 0; 2 * i + 1 < scores.length; i++) {
    const score = scores[2 * i + 1] ?? 0;
    if (score < threshold) continue;
    const [left = 0, top = 0, right = 0, bottom = 0] = boxes.subarray(4 * i, 4 * i + 4);
    found.push({ left, top, right, bottom, score });
  }
  return found.sort((a, b) => b.score - a.score);
}

/** Intersection over union. */
export function overlap(a: FaceBox, b: FaceBox): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: FaceBox): number => (box.right - box.left) * (box.bottom - box.top);
  const shared = width * height;
  return shared / (area(a) + area(b) - shared);
}

/** Greedy non-maximum suppression of boxes sorted by score. */
export function suppress(sorted: readonly FaceBox[], limit: number): FaceBox[] {
  const kept: FaceBox[] = [];
  for (const box of sorted) if (kept.every((k) => overlap(k, box) <= limit)) kept.push(box);
  return kept;
}
