import type { Session } from '../index';
import { pictureFromTensor, tensorFromPicture } from './pictures';
import { tilesOf, type Rectangle } from './tiles';

/** The model is given at most this many pixels each way at once. */
const TILE_LIMIT = 320;
/** More than a convolution chain of models/denoise can see: tiles meet without a seam. */
const MARGIN = 16;

export interface DenoiseHooks {
  readonly signal: AbortSignal;
  /** After each run of the model. */
  readonly onTile: (
    part: ImageData,
    at: Rectangle,
    done: number,
    total: number,
    ms: number,
  ) => void;
}

/** Runs models/denoise over a picture, tile by tile. */
export async function denoise(
  session: Session,
  picture: CanvasRenderingContext2D,
  { signal, onTile }: DenoiseHooks,
): Promise<void> {
  const { width, height } = picture.canvas;
  const [input, output] = [session.inputs[0], session.outputs[0]];
  if (!input || !output) throw new Error('This model takes or gives nothing.');
  const tiles = tilesOf(width, height, TILE_LIMIT, MARGIN);
  for (const [i, { read, keep }] of tiles.entries()) {
    const part = picture.getImageData(read.x, read.y, read.width, read.height);
    const start = performance.now();
    const results = await session.run({ [input.name]: tensorFromPicture(part) }, { signal });
    const ms = performance.now() - start;
    const result = results[output.name];
    if (!result) throw new Error(`The model gave no output '${output.name}'.`);
    onTile(cut(pictureFromTensor(result), read, keep), keep, i + 1, tiles.length, ms);
  }
}

function cut(picture: ImageData, read: Rectangle, keep: Rectangle): ImageData {
  const part = new ImageData(keep.width, keep.height);
  for (let y = 0; y < keep.height; y++) {
    const from = 4 * ((keep.y - read.y + y) * picture.width + keep.x - read.x);
    part.data.set(picture.data.subarray(from, from + 4 * keep.width), 4 * y * keep.width);
  }
  return part;
}
