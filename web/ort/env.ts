// onnxruntime-web's global settings. Those that steer its own files, kernels and logs are accepted and
// have no effect here; the files of this library are set by env.sardonyx.assets.
import type { Assets } from '../assets.js';

export interface Env {
  logLevel?: 'verbose' | 'info' | 'warning' | 'error' | 'fatal';
  debug?: boolean;
  trace?: boolean;
  readonly versions: { readonly common: string; readonly web: string };
  readonly wasm: {
    // Threads of sessions created from now on; 0 or nothing: chosen.
    numThreads?: number;
    // 'relaxed' or 'fixed' force that wasm module.
    simd?: boolean | 'fixed' | 'relaxed';
    // No effect: computing never happens on the page's thread.
    proxy?: boolean;
    // No effect: these name onnxruntime's files.
    wasmPaths?: string | { wasm?: string | URL; mjs?: string | URL };
    wasmBinary?: ArrayBufferLike | Uint8Array;
    initTimeout?: number;
    trace?: boolean;
  };
  readonly webgl: Record<string, unknown>;
  readonly webgpu: Record<string, unknown>;
  readonly sardonyx: { assets?: Assets };
  [name: string]: unknown;
}

// The release whose API this follows.
const COMPATIBLE = '1.30.0';

export const env: Env = {
  logLevel: 'warning',
  debug: false,
  versions: { common: COMPATIBLE, web: COMPATIBLE },
  wasm: {},
  webgl: {},
  webgpu: {},
  sardonyx: {},
};
