// From ink on a pad to what models/glyphs takes: `prepare` of its manifest.

export const GLYPH_SIZE = 32;
const BOX_SIZE = 24;

/** How much ink is where, 0…255, by rows. */
export interface Ink {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest box around all ink; undefined without ink. */
export function inkBox({ data, width, height }: Ink): Box | undefined {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!data[y * width + x]) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  if (right < 0) return undefined;
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/**
 * 32 × 32 values, ink 1 on 0: the ink's box, area averaged so that its longer side is 24, in the middle.
 * Undefined without ink.
 */
export function glyphInput(ink: Ink): Float32Array | undefined {
  const box = inkBox(ink);
  if (!box) return undefined;
  const scale = BOX_SIZE / Math.max(box.width, box.height);
  const columns = spans(box.x, box.width, scale);
  const rows = spans(box.y, box.height, scale);
  const left = (GLYPH_SIZE - columns.length) >> 1;
  const top = (GLYPH_SIZE - rows.length) >> 1;
  const values = new Float32Array(GLYPH_SIZE * GLYPH_SIZE);
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      values[(top + y) * GLYPH_SIZE + left + x] = average(ink, column, row) / 255;
    }
  }
  return values;
}

/** A stretch of source pixels, its ends between pixels. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** The source of each target pixel along one axis. */
function spans(start: number, length: number, scale: number): Span[] {
  const count = Math.max(1, Math.round(length * scale));
  const step = length / count;
  return Array.from({ length: count }, (_, i) => ({
    from: start + i * step,
    to: start + (i + 1) * step,
  }));
}

function average({ data, width }: Ink, columns: Span, rows: Span): number {
  let sum = 0;
  for (let y = Math.floor(rows.from); y < rows.to; y++) {
    const high = covered(y, rows);
    for (let x = Math.floor(columns.from); x < columns.to; x++) {
      sum += high * covered(x, columns) * (data[y * width + x] ?? 0);
    }
  }
  return sum / ((columns.to - columns.from) * (rows.to - rows.from));
}

/** How much of pixel `i` lies in the span, 0…1. */
const covered = (i: number, { from, to }: Span): number =>
  Math.max(0, Math.min(i + 1, to) - Math.max(i, from));
