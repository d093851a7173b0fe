// Where the worker script and the wasm modules are.
import type { ModuleName } from '../worker/abi.js';
import { resolveUrl } from './source.js';

export interface Assets {
  /** The folder of all of them. */
  base?: string | URL;
  worker?: string | URL;
  /** The code for WebGPU, an ES module. */
  webgpu?: string | URL;
  /** One module in place of the choice between two. */
  wasm?: string | URL | WebAssembly.Module;
}

export interface DefaultAssets {
  readonly worker: string;
  readonly relaxed: string;
  readonly simd: string;
  readonly webgpu: string;
}

const NAMES: DefaultAssets = {
  worker: 'worker.js',
  relaxed: 'sardonyx.relaxed.wasm',
  simd: 'sardonyx.simd.wasm',
  webgpu: 'webgpu.mjs',
};

let defaults: DefaultAssets | undefined;

/** Called by the entry files: a bundler must see the URLs there. */
export function setDefaultAssets(assets: DefaultAssets): void {
  defaults = assets;
}

export const assetsBeside = (base: string): DefaultAssets => ({
  worker: new URL(NAMES.worker, base).href,
  relaxed: new URL(NAMES.relaxed, base).href,
  simd: new URL(NAMES.simd, base).href,
  webgpu: new URL(NAMES.webgpu, base).href,
});

export function resolveAssets(
  { base, worker, wasm, webgpu }: Assets,
  module: ModuleName,
): { workerUrl: string; wasm: string | WebAssembly.Module; webgpuUrl: string } {
  const folder = base === undefined ? undefined : resolveUrl(base, 'assets.base');
  const found =
    folder === undefined && defaults
      ? defaults
      : assetsBeside(folder === undefined ? resolveUrl('.', 'assets.base') : withSlash(folder));
  return {
    workerUrl: worker === undefined ? found.worker : resolveUrl(worker, 'assets.worker'),
    webgpuUrl: webgpu === undefined ? found.webgpu : resolveUrl(webgpu, 'assets.webgpu'),
    wasm:
      wasm === undefined
        ? found[module]
        : wasm instanceof WebAssembly.Module
          ? wasm
          : resolveUrl(wasm, 'assets.wasm'),
  };
}

const withSlash = (folder: string) => (folder.endsWith('/') ? folder : `${folder}/`);
