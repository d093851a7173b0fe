// float16 as half words, for weights that shaders read with unpack2x16float().

/** The float16 of each float32 of `values`, which float16 has exactly; padded to whole words. */
export function toHalves(values: Float32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array((values.length + 1) & ~1);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; ++i) {
    const word = bits[i]!;
    const sign = (word >>> 16) & 0x8000;
    const exponent = ((word >>> 23) & 0xff) - 112;
    const size = exponent > 0 ? (exponent << 10) | ((word >>> 13) & 0x3ff) : subnormal(values[i]!);
    halves[i] = sign | size;
  }
  return halves;
}

/** Float16 counts in steps of 2^-24 below its smallest normal number. */
const subnormal = (value: number): number => Math.abs(value) * 2 ** 24;
