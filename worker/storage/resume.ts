// What an interrupted download left in its staging.
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ModelFile } from '../protocol.js';
import type { Staging } from './store.js';

// Bytes at the start whose chunks are right.
export async function countRight(staging: Staging, { bytes, chunks }: ModelFile): Promise<number> {
  let right = 0;
  for (const wanted of chunks?.sha256 ?? []) {
    const size = Math.min(chunks!.bytes, bytes - right);
    if (right + size > staging.left) break;
    const digest = await crypto.subtle.digest('SHA-256', staging.read(right, size));
    if (bytesToHex(new Uint8Array(digest)) !== wanted) break;
    right += size;
  }
  return right;
}

// The first `end` bytes, then `rest`.
export async function* readLeft(
  staging: Staging,
  { chunks }: ModelFile,
  end: number,
  rest: AsyncIterator<Uint8Array, unknown>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let at = 0; at < end; at += chunks!.bytes) {
      yield staging.read(at, Math.min(chunks!.bytes, end - at));
    }
    for (;;) {
      const { done, value } = await rest.next();
      if (done) return;
      yield value;
    }
  } finally {
    void rest.return?.();
  }
}
