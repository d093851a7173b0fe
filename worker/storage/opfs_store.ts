// Files in the origin private file system. A file is written as <sha256>.part and published by a rename,
// so what has the name is whole. A .part can be right at its start only.
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
      const staging = new OpfsStaging(handle, access, sha256, () => this.#drop(partOf(sha256)));
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

  async #drop(name: string): Promise<void> {
    try {
      await this.#folder.removeEntry(name);
    } catch (thrown) {
      if (!isAbsent(thrown)) throw asStorageFailure(thrown);
    }
  }
}

class OpfsStaging implements Staging {
  readonly #handle: WritableFile;
  readonly #access: SyncAccess;
  readonly #name: string;
  readonly #drop: () => Promise<void>;
  #left = 0;

  constructor(handle: WritableFile, access: SyncAccess, name: string, drop: () => Promise<void>) {
    this.#handle = handle;
    this.#access = access;
    this.#name = name;
    this.#drop = drop;
  }

  // Asks for the room at once, so that a full storage is known before the download.
  async reserve(bytes: number, resume: boolean): Promise<void> {
    try {
      if (resume) this.#left = Math.min(this.#access.getSize(), bytes);
      else this.#access.truncate(0);
      this.#access.truncate(bytes);
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
    return attempt(() => {
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
    await this.#drop();
  }
}

async function attempt(work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    throw asStorageFailure(thrown);
  }
}

const partOf = (sha256: string) => `${sha256}.part`;

const isAbsent = (thrown: unknown) =>
  thrown instanceof DOMException && thrown.name === 'NotFoundError';
