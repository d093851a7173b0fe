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
  write(chunk: Uint8Array): Promise<void>;
  publish(): Promise<void>;
  discard(): Promise<void>;
}

// Every method rejects with a Failure of scope storage.
export interface Store {
  // Undefined when it is not there or has another size; such a one is removed.
  find(sha256: string, bytes: number): Promise<StoredFile | undefined>;
  stage(sha256: string, bytes: number): Promise<Staging>;
  remove(sha256: string): Promise<void>;
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
