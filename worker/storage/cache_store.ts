// Files in the Cache API, which publishes an entry when its body has ended, and never a part of it.
import { asStorageFailure } from './storage_failure.js';
import type { Staging, Store, StoredFile } from './store.js';

const CACHE = 'sardonyx-files';
// Entries need a URL; nothing is fetched from it.
const keyOf = (sha256: string) => `https://sardonyx.invalid/${sha256}`;

export class CacheStore implements Store {
  readonly #cache: Cache;

  private constructor(cache: Cache) {
    this.#cache = cache;
  }

  static async open(): Promise<CacheStore> {
    return new CacheStore(await caches.open(CACHE));
  }

  async find(sha256: string, bytes: number): Promise<StoredFile | undefined> {
    try {
      const entry = await this.#cache.match(keyOf(sha256));
      if (!entry) return undefined;
      const file = await entry.blob();
      if (file.size === bytes) return { bytes, stream: () => file.stream() };
      await this.#cache.delete(keyOf(sha256));
      return undefined;
    } catch (thrown) {
      throw asStorageFailure(thrown);
    }
  }

  stage(sha256: string): Promise<Staging> {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const stored = this.#cache.put(keyOf(sha256), new Response(readable));
    stored.catch((thrown: unknown) => writer.abort(thrown).catch(() => undefined));
    const attempt = (work: () => Promise<void>) =>
      work().catch((thrown: unknown) => {
        throw asStorageFailure(thrown);
      });
    const discard = () => writer.abort().catch(() => undefined);
    return Promise.resolve({
      left: 0,
      read: () => new Uint8Array(0),
      write: (chunk) => attempt(() => writer.write(chunk)),
      publish: () =>
        attempt(async () => {
          await writer.close();
          await stored;
        }),
      discard,
      suspend: discard,
    });
  }

  async remove(sha256: string): Promise<void> {
    await this.#cache.delete(keyOf(sha256)).catch((thrown: unknown) => {
      throw asStorageFailure(thrown);
    });
  }

  // There are none.
  dropParts(): Promise<number> {
    return Promise.resolve(0);
  }
}
