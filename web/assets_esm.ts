// The files beside this module. Bundlers know them by exactly this form.
import { setDefaultAssets } from './assets.js';

setDefaultAssets({
  worker: new URL('./worker.js', import.meta.url).href,
  relaxed: new URL('./sardonyx.relaxed.wasm', import.meta.url).href,
  simd: new URL('./sardonyx.simd.wasm', import.meta.url).href,
  webgpu: new URL('./webgpu.mjs', import.meta.url).href,
});
