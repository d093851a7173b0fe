// Reading and writing wasm memory. Views are made anew at each use: the memory grows.
import type { Instance } from './abi.js';
import { Failure } from './failure.js';

const PAGE = 65536;
// The module's INITIAL_MEMORY.
const INITIAL_PAGES = 256;
// 4 GB first; less where so much address space can not be reserved.
const MAXIMUM_PAGES = [65536, 32768, 16384, 8192, 4096];

export function createMemory(): WebAssembly.Memory {
  let last: unknown;
  for (const maximum of MAXIMUM_PAGES) {
    try {
      return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared: true });
    } catch (thrown) {
      last = thrown;
    }
  }
  const smallest = (MAXIMUM_PAGES.at(-1)! * PAGE) / 2 ** 20;
  throw new Failure('OUT_OF_MEMORY', `can not reserve ${smallest} MiB: ${String(last)}`);
}

// On pages that are not isolated the constructor is hidden although shared memory works, and
// Emscripten's glue needs it. Call before the glue runs, after deciding about threads.
export function provideSharedArrayBuffer(): void {
  if (typeof SharedArrayBuffer === 'function') return;
  const memory = new WebAssembly.Memory({ initial: 0, maximum: 1, shared: true });
  Object.assign(globalThis, { SharedArrayBuffer: memory.buffer.constructor });
}

export const bytesAt = (instance: Instance, pointer: number, length: number) =>
  new Uint8Array(instance.wasmMemory.buffer, pointer, length);

export const viewAt = (instance: Instance, pointer: number, length: number) =>
  new DataView(instance.wasmMemory.buffer, pointer, length);

// `bytes` of 64-byte aligned memory.
export function allocate(instance: Instance, bytes: number): number {
  const pointer = instance._sx_alloc(Math.max(bytes, 1)) >>> 0;
  if (pointer === 0) {
    throw new Failure('OUT_OF_MEMORY', `the engine can not allocate ${bytes} bytes`);
  }
  return pointer;
}

// A null-terminated UTF-8 string. TextDecoder refuses shared memory, so it gets a copy.
export function readString(instance: Instance, pointer: number): string {
  const bytes = new Uint8Array(instance.wasmMemory.buffer);
  const end = bytes.indexOf(0, pointer);
  return new TextDecoder().decode(bytes.slice(pointer, end));
}

// Free with sx_free.
export function writeString(instance: Instance, text: string): number {
  const encoded = new TextEncoder().encode(text);
  const pointer = allocate(instance, encoded.length + 1);
  const target = bytesAt(instance, pointer, encoded.length + 1);
  target.set(encoded);
  target[encoded.length] = 0;
  return pointer;
}
