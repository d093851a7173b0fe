// A file that a manifest describes, on its way from the storage or the network: whatever comes is hashed,
// and what comes from the network is stored too. One pass, chunk by chunk.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { asFailure, Failure } from '../failure.js';
import type { FileReport, ModelFile } from '../protocol.js';
import { streamChunks } from '../source.js';
import { ChunkVerifier } from './chunk_verifier.js';
import { download } from './download.js';
import { acquireLock } from './lock.js';
import { check, Mismatch, mismatch } from './mismatch.js';
import { countRight, readLeft } from './resume.js';
import { asStorageFailure } from './storage_failure.js';
import { openStore, type Staging, type Store, type StoredFile } from './store.js';

// A stored file that is not what its name says: open the file again.
export class DamagedCopy extends Failure {
  readonly removed: boolean;

  constructor(message: string, removed: boolean) {
    super('STORAGE_FAILED', message);
    this.removed = removed;
  }
}

interface Input {
  readonly from: FileReport['from'];
  readonly chunks: AsyncIterator<Uint8Array, unknown>;
  readonly store?: Store | undefined;
  readonly staging?: Staging | undefined;
  // Bytes at the start that the staging has already.
  readonly resumed?: number | undefined;
  readonly problem?: Failure | undefined;
  readonly release?: (() => void) | undefined;
}

export class ModelFileReader {
  readonly from: FileReport['from'];
  readonly #file: ModelFile;
  readonly #input: Input;
  readonly #hash = sha256.create();
  readonly #verifier: ChunkVerifier | undefined;
  #staging: Staging | undefined;
  #problem: Failure | undefined;
  #failed: Error | undefined;
  #size = 0;

  constructor(file: ModelFile, input: Input) {
    this.#file = file;
    this.#verifier = file.chunks && new ChunkVerifier(file.chunks, file.bytes);
    this.#input = input;
    this.from = input.from;
    this.#staging = input.staging;
    this.#problem = input.problem;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = await this.#next();
      if (!chunk) return;
      yield chunk;
    }
  }

  // Reads what is left; every reader must end with this, also after a failure. Rejects with
  // FILE_MISMATCH or DamagedCopy when it is not the file that the manifest describes.
  async finish(): Promise<FileReport> {
    const { from, release, chunks, resumed } = this.#input;
    const { bytes, sha256: wanted } = this.#file;
    try {
      while (await this.#next());
      check(this.#size === bytes, `has ${this.#size} bytes, not ${bytes}`);
      const found = bytesToHex(this.#hash.digest());
      check(found === wanted, `has SHA-256 ${found}, not ${wanted}`);
      await this.#store((staging) => staging.publish());
      const stored = from === 'storage' || this.#staging !== undefined;
      return {
        from,
        stored,
        ...(resumed ? { resumed } : {}),
        ...(this.#problem ? { problem: this.#problem.toWire() } : {}),
      };
    } catch (thrown) {
      void chunks.return?.();
      await (thrown instanceof Mismatch ? this.#discard() : this.#suspend());
      throw thrown instanceof Mismatch ? await this.#explain(thrown) : thrown;
    } finally {
      release?.();
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#failed) throw this.#failed;
    try {
      const { done, value } = await this.#read();
      if (done) return undefined;
      this.#size += value.length;
      check(this.#size <= this.#file.bytes, `has more than ${this.#file.bytes} bytes`);
      this.#verifier?.update(value);
      this.#hash.update(value);
      const at = this.#size - value.length;
      if (at >= (this.#input.resumed ?? 0)) {
        await this.#store((staging) => staging.write(value, at));
      }
      return value;
    } catch (thrown) {
      this.#failed = thrown as Error;
      throw thrown;
    }
  }

  async #read(): Promise<IteratorResult<Uint8Array, unknown>> {
    try {
      return await this.#input.chunks.next();
    } catch (thrown) {
      if (this.from === 'network') throw thrown;
      throw new Mismatch(`can not be read: ${String(thrown)}`);
    }
  }

  // What the storage does not take is used all the same.
  async #store(work: (staging: Staging) => Promise<void>): Promise<void> {
    try {
      if (this.#staging) await work(this.#staging);
    } catch (thrown) {
      this.#problem = asFailure(thrown);
      await this.#discard();
    }
  }

  async #discard(): Promise<void> {
    const staging = this.#staging;
    this.#staging = undefined;
    await staging?.discard().catch(() => undefined);
  }

  // What is right of an interrupted download is there for the next one.
  async #suspend(): Promise<void> {
    const staging = this.#staging;
    const right = this.#verifier?.verified ?? 0;
    await staging?.suspend(right).catch(() => this.#discard());
    this.#staging = undefined;
  }

  async #explain({ message }: Mismatch): Promise<Error> {
    const { url, sha256 } = this.#file;
    if (this.from === 'network') return mismatch(url, message);
    const removing = this.#input.store?.remove(sha256);
    const removed = await Promise.resolve(removing).then(
      () => true,
      () => false,
    );
    return new DamagedCopy(`the stored copy of ${url} ${message}`, removed);
  }
}

// Rejects with what the network fails with. The storage may fail: the report says so then.
export async function openModelFile(
  file: ModelFile,
  keep: boolean,
  priority: RequestPriority = 'auto',
): Promise<ModelFileReader> {
  const place = keep ? await findPlace(file) : {};
  if (place.found) {
    const chunks = streamChunks(place.found.stream(), file.url);
    return new ModelFileReader(file, { ...place, from: 'storage', chunks });
  }
  try {
    const input = await (file.chunks
      ? resume(file, place, priority)
      : begin(file, place, priority));
    return new ModelFileReader(file, { ...place, ...input, from: 'network' });
  } catch (thrown) {
    place.release?.();
    throw thrown;
  }
}

async function begin(file: ModelFile, place: Place, priority: RequestPriority) {
  const { chunks } = await download(file, priority);
  return { chunks, ...(await stage(file, place)) };
}

// With what an earlier download left, as far as it is right.
async function resume(file: ModelFile, place: Place, priority: RequestPriority) {
  const { staging, problem } = await stage(file, place);
  const right = staging ? await countRight(staging, file).catch(() => 0) : 0;
  try {
    const { start, chunks } = await download(file, priority, right);
    if (!staging || start === 0) return { chunks, staging, problem };
    return { chunks: readLeft(staging, file, start, chunks), staging, problem, resumed: start };
  } catch (thrown) {
    await staging?.suspend(right).catch(() => undefined);
    throw thrown;
  }
}

// Downloads and stores the file, unless it is stored and right. Rejects when it could not be stored.
export async function keepFile(file: ModelFile): Promise<void> {
  const reader = await openModelFile(file, true, 'low');
  try {
    const { problem } = await reader.finish();
    if (problem) throw Failure.from(problem);
  } catch (thrown) {
    if (!(thrown instanceof DamagedCopy && thrown.removed)) throw thrown;
    await keepFile(file);
  }
}

interface Place {
  readonly store?: Store;
  readonly found?: StoredFile;
  readonly problem?: Failure;
  readonly release?: () => void;
}

// The stored file, or the right to store it.
async function findPlace({ sha256, bytes }: ModelFile): Promise<Place> {
  let release: (() => void) | undefined;
  try {
    const store = await openStore();
    const early = await store.find(sha256, bytes);
    if (early) return { store, found: early };
    release = await acquireLock(sha256);
    // Another tab may have stored it in the meantime.
    const found = await store.find(sha256, bytes);
    if (!found) return { store, release };
    release();
    return { store, found };
  } catch (thrown) {
    release?.();
    return { problem: asStorageFailure(thrown) };
  }
}

async function stage({ sha256, bytes, chunks }: ModelFile, { store, problem }: Place) {
  try {
    return { staging: await store?.stage(sha256, bytes, chunks !== undefined), problem };
  } catch (thrown) {
    return { problem: asStorageFailure(thrown) };
  }
}
