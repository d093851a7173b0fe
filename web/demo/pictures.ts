import { Tensor } from '../index';

/** Decodes a picture file; the caller closes the bitmap. */
export async function decodePicture(file: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new Error('This file is not a picture that the browser can read.');
  }
}

/** The size of a source that fits into width × height, its proportions kept, and never larger. */
export function fit(
  source: { width: number; height: number },
  width: number,
  height: number,
): [number, number] {
  const scale = Math.min(1, width / source.width, height / source.height);
  return [
    Math.max(1, Math.round(source.width * scale)),
    Math.max(1, Math.round(source.height * scale)),
  ];
}

/** RGBA bytes → float32 [1, 3, height, width] in 0…1. */
export function tensorFromPicture({ data, width, height }: ImageData): Tensor {
  const plane = width * height;
  const values = new Float32Array(3 * plane);
  for (let i = 0, pixel = 0; i < plane; i++, pixel += 4) {
    values[i] = (data[pixel] ?? 0) / 255;
    values[plane + i] = (data[pixel + 1] ?? 0) / 255;
    values[2 * plane + i] = (data[pixel + 2] ?? 0) / 255;
  }
  return new Tensor('float32', values, [1, 3, height, width]);
}

/** float32 [1, 3, height, width] in 0…1 (others are clamped) → RGBA bytes. */
export function pictureFromTensor(tensor: Tensor): ImageData {
  const [, channels, height = 1, width = 1] = tensor.shape;
  const values = tensor.data;
  if (!(values instanceof Float32Array) || channels !== 3)
    throw new TypeError(`a picture needs float32 in three channels`);
  const picture = new ImageData(width, height);
  const plane = width * height;
  for (let i = 0, pixel = 0; i < plane; i++, pixel += 4) {
    picture.data[pixel] = 255 * (values[i] ?? 0);
    picture.data[pixel + 1] = 255 * (values[plane + i] ?? 0);
    picture.data[pixel + 2] = 255 * (values[2 * plane + i] ?? 0);
    picture.data[pixel + 3] = 255;
  }
  return picture;
}
