// Tensors as numbers and bytes in a piece of memory: numbers of 8 bytes first, then the contents of each tensor
// from a multiple of 8 on.
import { dtypeByNumber, dtypeInfo, type DType, type TypedArray } from './dtypes.js';
import { Failure } from './failure.js';

export interface PacketTensor {
  // Of the input or output.
  readonly index: number;
  readonly type: DType;
  readonly shape: readonly number[];
  // Contents, or the address in wasm memory where they are.
  readonly data: TypedArray | number;
}

// Per tensor, beside its dims: index, dtype, rank, address, bytes.
const NUMBERS_PER_TENSOR = 5;

const align = (bytes: number) => Math.ceil(bytes / 8) * 8;

export class Packet {
  readonly #numbers: Float64Array;
  readonly #bytes: Uint8Array;

  constructor(buffer: ArrayBufferLike, offset: number) {
    this.#numbers = new Float64Array(buffer, offset);
    this.#bytes = new Uint8Array(buffer, offset);
  }

  // False, and nothing to be read, when they do not fit.
  write(numbers: readonly number[], tensors: readonly PacketTensor[]): boolean {
    let count = 2 + numbers.length;
    let end = 0;
    for (const { shape, data } of tensors) {
      count += NUMBERS_PER_TENSOR + shape.length;
      if (typeof data !== 'number') end += align(data.byteLength);
    }
    let contents = 8 * count;
    if (contents + end > this.#bytes.length) return false;
    let at = 0;
    const put = (number: number) => (this.#numbers[at++] = number);
    put(numbers.length);
    numbers.forEach(put);
    put(tensors.length);
    for (const { index, type, shape, data } of tensors) {
      put(index);
      put(dtypeInfo(type).number);
      put(shape.length);
      shape.forEach(put);
      if (typeof data === 'number') {
        put(data);
        put(-1);
        continue;
      }
      put(contents);
      put(data.byteLength);
      this.#bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), contents);
      contents += align(data.byteLength);
    }
    return true;
  }

  // What write() was given. The contents of tensors are views of this memory.
  read(): { numbers: number[]; tensors: PacketTensor[] } {
    let at = 0;
    const take = () => this.#numbers[at++]!;
    const list = () => Array.from({ length: take() }, take);
    const numbers = list();
    const tensors = Array.from({ length: take() }, (): PacketTensor => {
      const index = take();
      const info = dtypeByNumber(take());
      if (!info) throw new Failure('INTERNAL', 'a packet has an unknown dtype');
      const shape = list();
      const address = take();
      const bytes = take();
      const data = bytes < 0 ? address : this.#bytes.subarray(address, address + bytes);
      return { index, type: info.type, shape, data };
    });
    return { numbers, tensors };
  }
}
