// Which wasm module and how many threads.
import { Failure } from '../worker/failure.js';
import type { ModuleName } from '../worker/abi.js';
import type { Device } from '../worker/protocol.js';
import type { Features } from './features.js';

export interface RouteFilter {
  /** 'webgpu' falls back to the CPU where it can not be had. */
  device?: Device;
  module?: ModuleName;
  threads?: number;
}

export interface Choice {
  readonly device: Device;
  readonly module: ModuleName;
  /** What to ask the page's budget for. */
  readonly threads: number;
  readonly why: readonly string[];
}

const DEFAULT_THREADS = 4;
export const MAX_THREADS = 32;

export function choose(features: Features, force: RouteFilter = {}): Choice {
  if (!features.engine) {
    throw new Failure('UNSUPPORTED_ENVIRONMENT', 'WebAssembly here lacks SIMD128 or shared memory');
  }
  checkFilter(force);
  const why: string[] = [];
  const module = chooseModule(features, force.module, why);
  const threads = chooseThreads(features, force.threads, why);
  return { device: force.device ?? 'cpu', module, threads, why };
}

// Callers without TypeScript pass anything.
function checkFilter({ device, module, threads }: { [key in keyof RouteFilter]?: unknown }): void {
  const refuse = (field: string, value: unknown) => {
    throw new Failure('INVALID_ARGUMENT', `force.${field} is ${String(value)}`, { field });
  };
  if (device !== undefined && device !== 'cpu' && device !== 'webgpu') refuse('device', device);
  if (module !== undefined && module !== 'relaxed' && module !== 'simd') refuse('module', module);
  if (threads === undefined) return;
  const whole = typeof threads === 'number' && Number.isInteger(threads);
  if (!whole || threads < 1 || threads > MAX_THREADS) refuse('threads', threads);
}

function chooseModule(
  features: Features,
  forced: ModuleName | undefined,
  why: string[],
): ModuleName {
  if (forced === 'relaxed' && !features.relaxedSimd) {
    throw new Failure('UNSUPPORTED_ENVIRONMENT', 'WebAssembly here lacks relaxed SIMD', {
      field: 'module',
    });
  }
  if (forced) {
    why.push(`module ${forced}: forced`);
    return forced;
  }
  const module = features.relaxedSimd ? 'relaxed' : 'simd';
  why.push(`module ${module}: relaxed SIMD is ${features.relaxedSimd ? '' : 'not '}available`);
  return module;
}

function chooseThreads(features: Features, forced: number | undefined, why: string[]): number {
  if (!features.isolated) {
    why.push('1 thread: the page is not cross-origin isolated');
    return 1;
  }
  if (forced !== undefined) {
    why.push(`at most ${forced} threads: forced`);
    return forced;
  }
  const threads = Math.min(DEFAULT_THREADS, features.cores);
  why.push(`at most ${threads} threads: ${features.cores} cores`);
  return threads;
}
