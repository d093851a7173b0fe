import type { Ink } from './glyph_input';
import { context2d } from './page';
import type { Point, Stroke } from './sample_strokes';

/** Of the picture of the ink; the canvas on the page may have any size. */
const INK_SIZE = 256;
/** As a share of the pad. */
const PEN_WIDTH = 0.075;
const KEY_STEP = 1 / 24;
const SAMPLE_MS = 650;

const directions: Record<string, Point> = {
  ArrowLeft: [-KEY_STEP, 0],
  ArrowRight: [KEY_STEP, 0],
  ArrowUp: [0, -KEY_STEP],
  ArrowDown: [0, KEY_STEP],
};

/**
 * A canvas to draw on, with mouse, pen and touch, or with the keyboard: arrows move the pen, Space puts it
 * down and lifts it, Backspace takes the last stroke back, Escape clears.
 */
export class InkPad {
  readonly #canvas: HTMLCanvasElement;
  readonly #view: CanvasRenderingContext2D;
  readonly #ink = new OffscreenCanvas(INK_SIZE, INK_SIZE);
  readonly #changed: (strokeEnded: boolean) => void;
  #strokes: Point[][] = [];
  #drawing: { pointer: number; stroke: Point[] } | undefined;
  #keyPen: { at: Point; stroke: Point[] | undefined } | undefined;
  #animation = 0;

  constructor(canvas: HTMLCanvasElement, changed: (strokeEnded: boolean) => void) {
    this.#canvas = canvas;
    this.#view = context2d(canvas);
    this.#changed = changed;
    this.#listenToPointer();
    this.#listenToKeys();
    for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) {
      matchMedia(query).addEventListener('change', () => this.#paint());
    }
  }

  clear(): void {
    this.#animation++;
    this.#strokes = [];
    this.#drawing = undefined;
    if (this.#keyPen) this.#keyPen.stroke = undefined;
    this.#update(true);
  }

  undo(): void {
    this.#animation++;
    this.#strokes.pop();
    if (this.#keyPen) this.#keyPen.stroke = undefined;
    this.#update(true);
  }

  /** Puts `strokes` in place of what is there, bit by bit unless the reader wants no motion. */
  async show(strokes: readonly Stroke[], animate: boolean): Promise<void> {
    this.clear();
    if (!animate || matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.#strokes = strokes.map((stroke) => [...stroke]);
      this.#update(true);
      return;
    }
    const mine = this.#animation;
    const points = strokes.flatMap((stroke, i) => resampled(stroke).map((point) => ({ i, point })));
    const start = performance.now();
    for (let done = 0; done < points.length;) {
      const now = await new Promise(requestAnimationFrame);
      if (mine !== this.#animation) return;
      const until = Math.ceil((points.length * (now - start)) / SAMPLE_MS);
      for (; done < Math.min(until, points.length); done++) {
        const { i, point } = points[done]!;
        (this.#strokes[i] ??= []).push(point);
      }
      this.#update(done >= points.length);
    }
  }

  /** What has been drawn, without the cursor. */
  ink(): Ink {
    const context = this.#ink.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('this browser gives no 2d canvas');
    context.clearRect(0, 0, INK_SIZE, INK_SIZE);
    strokeAll(context, this.#strokes, INK_SIZE);
    const { data } = context.getImageData(0, 0, INK_SIZE, INK_SIZE);
    const alpha = Uint8Array.from({ length: INK_SIZE * INK_SIZE }, (_, i) => data[4 * i + 3] ?? 0);
    return { data: alpha, width: INK_SIZE, height: INK_SIZE };
  }

  #listenToPointer(): void {
    const canvas = this.#canvas;
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0 || this.#drawing) return;
      this.#animation++;
      this.#keyPen = undefined;
      const stroke = [this.#place(event)];
      this.#drawing = { pointer: event.pointerId, stroke };
      this.#strokes.push(stroke);
      canvas.setPointerCapture(event.pointerId);
      this.#update(false);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (this.#drawing?.pointer !== event.pointerId) return;
      // Only secure pages have them.
      const between = 'getCoalescedEvents' in event ? event.getCoalescedEvents() : [];
      for (const each of between.length ? between : [event]) {
        this.#drawing.stroke.push(this.#place(each));
      }
      this.#update(false);
    });
    for (const type of ['pointerup', 'pointercancel'] as const) {
      canvas.addEventListener(type, (event) => {
        if (this.#drawing?.pointer !== event.pointerId) return;
        this.#drawing = undefined;
        this.#update(true);
      });
    }
  }

  #listenToKeys(): void {
    const canvas = this.#canvas;
    canvas.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (!this.#useKey(event.key, event.repeat)) return;
      event.preventDefault();
    });
    canvas.addEventListener('blur', () => {
      if (!this.#keyPen) return;
      this.#keyPen = undefined;
      this.#paint();
    });
  }

  #useKey(key: string, repeated: boolean): boolean {
    const direction = directions[key];
    if (key === 'Escape') this.clear();
    else if (key === 'Backspace') this.undo();
    else if (key === ' ') {
      if (!repeated) this.#toggleKeyPen();
    } else if (direction) this.#moveKeyPen(direction);
    else return false;
    return true;
  }

  #toggleKeyPen(): void {
    this.#animation++;
    const pen = (this.#keyPen ??= { at: [0.5, 0.5], stroke: undefined });
    const lifted = pen.stroke !== undefined;
    pen.stroke = lifted ? undefined : [pen.at];
    if (pen.stroke) this.#strokes.push(pen.stroke);
    this.#update(lifted);
  }

  #moveKeyPen([right, down]: Point): void {
    const pen = (this.#keyPen ??= { at: [0.5, 0.5], stroke: undefined });
    pen.at = [inside(pen.at[0] + right), inside(pen.at[1] + down)];
    if (!pen.stroke) {
      this.#paint();
      return;
    }
    pen.stroke.push(pen.at);
    this.#update(false);
  }

  #place({ clientX, clientY }: PointerEvent): Point {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [inside((clientX - left) / width), inside((clientY - top) / height)];
  }

  #update(strokeEnded: boolean): void {
    this.#paint();
    this.#changed(strokeEnded);
  }

  #paint(): void {
    const { width } = this.#canvas;
    const { color, outlineColor } = getComputedStyle(this.#canvas);
    this.#view.clearRect(0, 0, width, width);
    this.#view.strokeStyle = color;
    strokeAll(this.#view, this.#strokes, width);
    if (!this.#keyPen) return;
    const { at, stroke } = this.#keyPen;
    this.#view.beginPath();
    this.#view.arc(at[0] * width, at[1] * width, (PEN_WIDTH * width) / 2 + 4, 0, 7);
    this.#view.lineWidth = stroke ? 6 : 3;
    this.#view.strokeStyle = outlineColor;
    this.#view.stroke();
  }
}

const inside = (value: number): number => Math.min(1, Math.max(0, value));

function strokeAll(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  strokes: readonly Stroke[],
  size: number,
): void {
  context.lineWidth = PEN_WIDTH * size;
  context.lineCap = context.lineJoin = 'round';
  for (const stroke of strokes) {
    context.beginPath();
    for (const [x, y] of stroke) context.lineTo(x * size, y * size);
    // A line of no length draws a dot with its round ends.
    const [first] = stroke;
    if (stroke.length === 1 && first) context.lineTo(first[0] * size, first[1] * size);
    context.stroke();
  }
}

/** Points at even distances along the stroke. */
function resampled(stroke: Stroke): Point[] {
  const points: Point[] = stroke.slice(0, 1);
  for (let i = 1; i < stroke.length; i++) {
    const [[x0, y0], [x1, y1]] = [stroke[i - 1]!, stroke[i]!];
    const count = Math.max(1, Math.round(Math.hypot(x1 - x0, y1 - y0) / 0.02));
    for (let k = 1; k <= count; k++) {
      points.push([x0 + ((x1 - x0) * k) / count, y0 + ((y1 - y0) * k) / count]);
    }
  }
  return points;
}
