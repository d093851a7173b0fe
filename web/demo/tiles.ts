// A picture in overlapping tiles of one size, so that a model binds its buffers once and a large picture
// needs no more memory than a small one.

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Tile {
  /** What the model is given. */
  readonly read: Rectangle;
  /** The part of its answer that counts: further than the margin from edges that the picture does not have. */
  readonly keep: Rectangle;
}

interface Stretch {
  readonly read: readonly [start: number, end: number];
  readonly keep: readonly [start: number, end: number];
}

/** Tiles at most `limit` wide and high; each pixel is kept once. */
export function tilesOf(width: number, height: number, limit: number, margin: number): Tile[] {
  const columns = stretches(width, limit, margin);
  return stretches(height, limit, margin).flatMap((row) =>
    columns.map((column) => ({
      read: rectangle(column.read, row.read),
      keep: rectangle(column.keep, row.keep),
    })),
  );
}

function stretches(length: number, limit: number, margin: number): Stretch[] {
  const count = length <= limit ? 1 : Math.ceil((length - 2 * margin) / (limit - 2 * margin));
  const size = count === 1 ? length : Math.ceil((length + 2 * margin * (count - 1)) / count);
  const starts = Array.from({ length: count }, (_, i) =>
    Math.min(i * (size - 2 * margin), length - size),
  );
  return starts.map((start, i) => {
    const previous = i === 0 ? 0 : middle(starts[i - 1]! + size, start);
    const next = i === count - 1 ? length : middle(start + size, starts[i + 1]!);
    return { read: [start, start + size], keep: [previous, next] };
  });
}

/** Of the overlap of a stretch that ends at `end` and one that starts at `start`. */
const middle = (end: number, start: number): number => (end + start) >> 1;

const rectangle = (
  [left, right]: readonly [number, number],
  [top, bottom]: readonly [number, number],
): Rectangle => ({ x: left, y: top, width: right - left, height: bottom - top });
