// Files in the origin private file system. A file is written as <sha256>.part and published by a rename,
// so what has the name is whole. A .part can be right at its start only.
import { tryLock } from './lock.js';
import { asStorageFailure } from './storage_failure.js';
import type { Staging, Store, StoredFile } from './store.js';

const FOLDER = 'sardonyx';

// What TypeScript's library for pages does not have.
interface SyncAccess {
  getSize(): number;
  read(into: Uint8Array, options: { at: number }): number;
  truncate(bytes: number): void;
  write(chunk: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}
interface WritableFile extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<SyncAccess>;
  move(name: string): Promise<void>;
}

export class OpfsStore implements Store {
  readonly #folder: FileSystemDirectoryHandle;

  private constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder;
  }

  static async open(root: FileSystemDirectoryHandle): Promise<OpfsStore> {
    return new OpfsStore(await root.getDirectoryHandle(FOLDER, { create: true }));
  }

  async find(sha256: string, bytes: number): Promise<StoredFile | undefined> {
    try {
      const handle = await this.#folder.getFileHandle(sha256);
      const file = await handle.getFile();
      if (file.size === bytes) return { bytes, stream: () => file.stream() };
      await this.#folder.removeEntry(sha256);
      return undefined;
    } catch (thrown) {
      if (isAbsent(thrown)) return undefined;
      throw asStorageFailure(thrown);
    }
  }

  // In workers only.
  async stage(sha256: string, bytes: number, resume: boolean): Promise<Staging> {
    try {
      const part = await this.#folder.getFileHandle(partOf(sha256), { create: true });
      const handle = part as WritableFile;
      // Exclusive: fails while another worker writes the file.
      const access = await handle.createSyncAccessHandle();
      const staging = new OpfsStaging(handle, access, sha256, {
        drop: () => this.#drop(partOf(sha256)),
        makeRoom: async () => (await this.dropParts(0)) > 0,
      });
      await staging.reserve(bytes, resume);
      return staging;
    } catch (thrown) {
      throw asStorageFailure(thrown);
    }
  }

  async remove(sha256: string, keepPart = false): Promise<void> {
    await this.#drop(sha256);
    if (!keepPart) await this.#drop(partOf(sha256));
  }

  async dropParts(idleMs: number): Promise<number> {
    let dropped = 0;
    for (const [part, sha256] of await this.#parts()) {
      try {
        const { lastModified } = await (await this.#folder.getFileHandle(part)).getFile();
        if (Date.now() - lastModified < idleMs) continue;
        if (await tryLock(sha256, () => this.#folder.removeEntry(part))) dropped++;
      } catch {
        // In use, or gone.
      }
    }
    return dropped;
  }

  async #parts(): Promise<Map<string, string>> {
    const parts = new Map<string, string>();
    try {
      for await (const name of this.#folder.keys()) {
        const [, sha256] = PART.exec(name) ?? [];
        if (sha256 !== undefined) parts.set(name, sha256);
      }
    } catch (thrown) {
      throw asStorageFailure(thrown);
    }
    return parts;
  }

  async #drop(name: string): Promise<void> {
    try {
      await this.#folder.removeEntry(name);
    } catch (thrown) {
      if (!isAbsent(thrown)) throw asStorageFailure(thrown);
    }
  }
}

interface Surroundings {
  // Removes the part.
  drop(): Promise<void>;
  // Removes what other downloads left; whether there was anything.
  makeRoom(): Promise<boolean>;
}

class OpfsStaging implements Staging {
  readonly #handle: WritableFile;
  readonly #access: SyncAccess;
  readonly #name: string;
  readonly #around: Surroundings;
  #left = 0;

  constructor(handle: WritableFile, access: SyncAccess, name: string, around: Surroundings) {
    this.#handle = handle;
    this.#access = access;
    this.#name = name;
    this.#around = around;
  }

  // Asks for the room at once, so that a full storage is known before the download where the browser tells.
  async reserve(bytes: number, resume: boolean): Promise<void> {
    try {
      if (resume) this.#left = Math.min(this.#access.getSize(), bytes);
      else this.#access.truncate(0);
      await this.#withRoom(() => this.#access.truncate(bytes));
    } catch (thrown) {
      await this.discard();
      throw thrown;
    }
  }

  get left(): number {
    return this.#left;
  }

  read(at: number, bytes: number): Uint8Array<ArrayBuffer> {
    try {
      const piece = new Uint8Array(Math.min(bytes, this.#left - at));
      return piece.subarray(0, this.#access.read(piece, { at }));
    } catch (thrown) {
      throw asStorageFailure(thrown);
    }
  }

  write(chunk: Uint8Array, at: number): Promise<void> {
    return this.#withRoom(() => {
      const written = this.#access.write(chunk, { at });
      if (written !== chunk.length) throw new DOMException('a short write', 'QuotaExceededError');
    });
  }

  publish(): Promise<void> {
    return attempt(async () => {
      this.#access.flush();
      this.#access.close();
      await this.#handle.move(this.#name);
    });
  }

  suspend(bytes: number): Promise<void> {
    if (bytes === 0) return this.discard();
    return attempt(() => {
      this.#access.truncate(bytes);
      this.#access.flush();
      this.#access.close();
    });
  }

  async discard(): Promise<void> {
    this.#access.close();
    await this.#around.drop();
  }

  async #withRoom(work: () => void): Promise<void> {
    try {
      await attempt(work);
    } catch (thrown) {
      const full = asStorageFailure(thrown).code === 'STORAGE_FULL';
      if (!full || !(await this.#around.makeRoom())) throw thrown;
      await attempt(work);
    }
  }
}

async function attempt(work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    throw asStorageFailure(thrown);
  }
}

const PART = /^([0-9a-f]{64})\.part$/;
const partOf = (sha256: string) => `${sha256}.part`;

const isAbsent = (thrown: unknown) =>
  thrown instanceof DOMException && thrown.name === 'NotFoundError';
