// What this browser or Node can do, found by asking, not by name.
import { relaxedSimd, simd } from 'wasm-feature-detect';

export interface Features {
  // SIMD128.
  readonly simd: boolean;
  // The plain module runs: SIMD128, atomics and shared memory.
  readonly engine: boolean;
  readonly relaxedSimd: boolean;
  // Memory can be shared with workers, so pool threads and the cancel word work.
  readonly isolated: boolean;
  readonly cores: number;
}

export const isNode = typeof process === 'object' && typeof process.getBuiltinModule === 'function';

// WebKitGTK reports crossOriginIsolated without having SharedArrayBuffer.
export function isIsolated(): boolean {
  if (typeof SharedArrayBuffer !== 'function') return false;
  return isNode || (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
}

function sharedMemoryWorks(): boolean {
  try {
    return new WebAssembly.Memory({ initial: 0, maximum: 1, shared: true }).buffer.byteLength === 0;
  } catch {
    return false;
  }
}

let probed: Promise<Features> | undefined;

export function probeFeatures(): Promise<Features> {
  probed ??= probe();
  return probed;
}

async function probe(): Promise<Features> {
  const [plain, relaxed] = await Promise.all([simd(), relaxedSimd()]);
  return {
    simd: plain,
    engine: plain && sharedMemoryWorks(),
    relaxedSimd: relaxed,
    isolated: isIsolated(),
    cores: cores(),
  };
}

// Bytes; undefined where the browser does not say.
export function memoryHint(): number | undefined {
  if (isNode) return process.getBuiltinModule('node:os').totalmem();
  const { deviceMemory } = navigator as { deviceMemory?: number };
  return deviceMemory === undefined ? undefined : deviceMemory * 2 ** 30;
}

export function cores(): number {
  if (isNode) return process.getBuiltinModule('node:os').availableParallelism();
  return Math.max(1, navigator.hardwareConcurrency || 1);
}
