// The letters of the name, as a hand would draw them.

/** A point of the pad, both coordinates 0…1. */
export type Point = readonly [x: number, y: number];
export type Stroke = readonly Point[];

/** Points along an arc of an ellipse; angles in turns, clockwise from the right. */
function arc([x, y]: Point, [across, down]: Point, from: number, to: number, count = 32): Point[] {
  return Array.from({ length: count + 1 }, (_, i) => {
    const angle = 2 * Math.PI * (from + ((to - from) * i) / count);
    return [x + across * Math.cos(angle), y + down * Math.sin(angle)] as const;
  });
}

const top = 0.18;
const base = 0.82;

const letters: Record<string, readonly Stroke[]> = {
  S: [
    [
      ...arc([0.5, 0.34], [0.19, 0.16], -0.09, -0.75),
      ...arc([0.5, 0.66], [0.2, 0.16], -0.25, 0.42),
    ],
  ],
  A: [
    [
      [0.25, base],
      [0.5, top],
      [0.75, base],
    ],
    [
      [0.35, 0.58],
      [0.65, 0.58],
    ],
  ],
  R: [
    [
      [0.31, base],
      [0.31, top],
    ],
    [[0.31, top], ...arc([0.47, 0.34], [0.23, 0.16], -0.25, 0.25), [0.31, 0.5]],
    [
      [0.48, 0.5],
      [0.72, base],
    ],
  ],
  D: [
    [
      [0.3, top],
      [0.3, base],
    ],
    [[0.3, top], ...arc([0.4, 0.5], [0.32, 0.32], -0.25, 0.25), [0.3, base]],
  ],
  O: [arc([0.5, 0.5], [0.28, 0.32], -0.25, 0.76, 64)],
  N: [
    [
      [0.28, base],
      [0.28, top],
      [0.72, base],
      [0.72, top],
    ],
  ],
  Y: [
    [
      [0.26, top],
      [0.5, 0.5],
    ],
    [
      [0.74, top],
      [0.5, 0.5],
      [0.5, base],
    ],
  ],
  X: [
    [
      [0.27, top],
      [0.73, base],
    ],
    [
      [0.73, top],
      [0.27, base],
    ],
  ],
};

export const sampleLetters: readonly string[] = Array.from('SARDONYX');

export const sampleStrokes = (letter: string): readonly Stroke[] => letters[letter] ?? [];
