// Strings, sequences and optionals as bytes: the forms of base/string_tensor.h and base/packed_box.h.
import { dtypeByNumber, dtypeInfo, type DType, type TypedArray } from './dtypes.js';
import { Failure } from './failure.js';

const WORD = 4;
const ABSENT = 0xffffffff;

export interface PackedTensor {
  readonly type: DType;
  readonly shape: readonly number[];
  // Strings packed.
  readonly data: TypedArray;
}

// Half of a pair of UTF-16 code units: UTF-8 has no form for it.
const LONE_SURROGATE = /\p{Surrogate}/u;

/** INPUT_DTYPE when a string is no text. */
export function packStrings(strings: readonly string[]): Uint8Array<ArrayBuffer> {
  const most = strings.reduce((sum, text) => sum + WORD + 3 * text.length, 0);
  const bytes = new Uint8Array(most);
  const view = new DataView(bytes.buffer);
  const encoder = new TextEncoder();
  let at = 0;
  strings.forEach((text, i) => {
    if (LONE_SURROGATE.test(text)) {
      throw new Failure('INPUT_DTYPE', `string ${i} has a lone surrogate: it is no Unicode text`);
    }
    const { written } = encoder.encodeInto(text, bytes.subarray(at + WORD));
    view.setUint32(at, written, true);
    at += WORD + written;
  });
  return bytes.slice(0, at);
}

/** INTERNAL when the last string is not whole, DTYPE_UNSUPPORTED when one is not UTF-8. */
export function unpackStrings(bytes: Uint8Array): string[] {
  const reader = new Reader(bytes);
  const strings: string[] = [];
  while (!reader.done) {
    const text = reader.bytes(reader.number());
    try {
      // The decoder keeps a byte order mark, and tells of what is not UTF-8.
      strings.push(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text));
    } catch {
      throw new Failure('DTYPE_UNSUPPORTED', `string ${strings.length} is not UTF-8`);
    }
  }
  return strings;
}

/** Null: an optional without element. */
export function packBox(tensors: readonly PackedTensor[] | null): Uint8Array<ArrayBuffer> {
  if (!tensors) return new Uint8Array(Uint32Array.of(ABSENT).buffer);
  const size = tensors.reduce(
    (sum, { shape, data }) => sum + WORD * (3 + shape.length) + data.byteLength,
    WORD,
  );
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put = (word: number) => {
    view.setUint32(at, word, true);
    at += WORD;
  };
  put(tensors.length);
  for (const { type, shape, data } of tensors) {
    put(dtypeInfo(type).number);
    put(shape.length);
    shape.forEach(put);
    put(data.byteLength);
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** INTERNAL when the bytes are no packed sequence or optional. */
export function unpackBox(bytes: Uint8Array): PackedTensor[] | null {
  const reader = new Reader(bytes);
  const count = reader.number();
  if (count === ABSENT) return null;
  const tensors: PackedTensor[] = [];
  for (let i = 0; i < count; i++) {
    const info = dtypeByNumber(reader.number());
    const shape = Array.from({ length: reader.number() }, () => reader.number());
    const data = reader.bytes(reader.number()).slice();
    if (!info) throw wrong();
    tensors.push({ type: info.type, shape, data: new info.array(data.buffer) });
  }
  if (!reader.done) throw wrong();
  return tensors;
}

const wrong = () => new Failure('INTERNAL', 'a packed value is not whole');

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(): number {
    if (this.#at + WORD > this.#bytes.length) throw wrong();
    this.#at += WORD;
    return this.#view.getUint32(this.#at - WORD, true);
  }

  bytes(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw wrong();
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
}
