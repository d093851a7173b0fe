// Hashes a file part by part as it streams, so that a wrong one is known when it has passed.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ChunkHashes } from '../protocol.js';
import { check } from './mismatch.js';

export class ChunkVerifier {
  readonly #chunks: ChunkHashes;
  readonly #total: number;
  #hash = sha256.create();
  #size = 0;

  // `total`: the size of the file.
  constructor(chunks: ChunkHashes, total: number) {
    this.#chunks = chunks;
    this.#total = total;
  }

  // Bytes from the start that are known to be right.
  get verified(): number {
    return this.#size === this.#total ? this.#size : this.#size - (this.#size % this.#chunks.bytes);
  }

  // Of the pieces in order, `total` bytes at most. Throws a Mismatch that names the chunk.
  update(piece: Uint8Array): void {
    for (let at = 0; at < piece.length;) {
      const room = Math.min(this.#end - this.#size, piece.length - at);
      this.#hash.update(piece.subarray(at, at + room));
      at += room;
      if (this.#size + room === this.#end) this.#check();
      this.#size += room;
    }
  }

  // Of the chunk that is being hashed.
  get #end(): number {
    const { bytes } = this.#chunks;
    return Math.min((Math.floor(this.#size / bytes) + 1) * bytes, this.#total);
  }

  #check(): void {
    const { bytes, sha256: hashes } = this.#chunks;
    const index = Math.floor(this.#size / bytes);
    const found = bytesToHex(this.#hash.digest());
    const range = `bytes ${index * bytes} to ${this.#end - 1}`;
    check(
      found === hashes[index],
      `has SHA-256 ${found}, not ${hashes[index]}, in chunks[${index}] (${range})`,
    );
    this.#hash = sha256.create();
  }
}
