// webgpu.mjs: loaded by the worker when a model is to run on WebGPU.
export { GpuExecutor } from './executor.js';
