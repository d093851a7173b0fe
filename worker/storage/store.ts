// Files by their SHA-256, in the storage of this browser. Used by workers, which write, and by pages.
import { Failure } from '../failure.js';
import { CacheStore } from './cache_store.js';
import { OpfsStore } from './opfs_store.js';
import { asStorageFailure } from './storage_failure.js';

export interface StoredFile {
  readonly bytes: number;
  stream(): ReadableStream<Uint8Array>;
}

// A file that is being written. Nobody can find it before it is published.
export interface Staging {
  // Bytes that an earlier staging left at the start, right or wrong.
  readonly left: number;
  // Of those.
  read(at: number, bytes: number): Uint8Array<ArrayBuffer>;
  // `at` is where the last write ended, or within what was left.
  write(chunk: Uint8Array, at: number): Promise<void>;
  publish(): Promise<void>;
  discard(): Promise<void>;
  // Ends it, and leaves the first `bytes` to a later one where the storage can.
  suspend(bytes: number): Promise<void>;
}

// Every method rejects with a Failure of scope storage.
export interface Store {
  // Undefined when it is not there or has another size; such a one is removed.
  find(sha256: string, bytes: number): Promise<StoredFile | undefined>;
  // `resume`: with what an earlier staging left.
  stage(sha256: string, bytes: number, resume: boolean): Promise<Staging>;
  // `keepPart`: not what a suspended staging left.
  remove(sha256: string, keepPart?: boolean): Promise<void>;
  // What suspended or crashed stagings left and nobody has written to for so long, but for what is being
  // written. Resolves with their number.
  dropParts(idleMs: number): Promise<number>;
}

// Where this browser keeps files: OPFS, or the Cache API where that is missing. Both give the same
// answer in workers and on pages. STORAGE_BLOCKED, STORAGE_MISSING.
export async function openStore(): Promise<Store> {
  const storage = (globalThis.navigator as Partial<Navigator> | undefined)?.storage;
  try {
    if (typeof storage?.getDirectory === 'function') {
      return await OpfsStore.open(await storage.getDirectory());
    }
    if (typeof caches === 'object') return await CacheStore.open();
  } catch (thrown) {
    throw asStorageFailure(thrown);
  }
  throw new Failure('STORAGE_MISSING', 'there is neither OPFS nor a Cache API here');
}
