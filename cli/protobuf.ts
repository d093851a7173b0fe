// Protobuf's wire format: protobuf.dev/programming-guides/encoding.
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

export interface Field {
  readonly number: number;
  readonly wire: number;
  readonly varint: bigint;
  readonly bytes: Uint8Array;
}

/** The bytes are no message; the text says why. */
export class MalformedError extends Error {}

export class Reader {
  #at = 0;
  constructor(readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.#at >= this.bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.#at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MalformedError('a number does not end');
  }

  take(count: number): Uint8Array {
    if (count > this.bytes.length - this.#at) throw new MalformedError('its end is missing');
    this.#at += count;
    return this.bytes.subarray(this.#at - count, this.#at);
  }

  field(): Field {
    const tag = Number(this.varint());
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    const none = new Uint8Array();
    if (wire === VARINT) return { number, wire, varint: this.varint(), bytes: none };
    if (wire === FIXED64) return { number, wire, varint: 0n, bytes: this.take(8) };
    if (wire === FIXED32) return { number, wire, varint: 0n, bytes: this.take(4) };
    if (wire === BYTES) {
      return { number, wire, varint: 0n, bytes: this.take(Number(this.varint())) };
    }
    throw new MalformedError(`wire type ${wire}`);
  }
}

// A repeated number comes packed or one by one.
export function varints({ wire, varint, bytes }: Field): bigint[] {
  if (wire === VARINT) return [varint];
  const values: bigint[] = [];
  for (const reader = new Reader(bytes); !reader.done;) values.push(reader.varint());
  return values;
}
