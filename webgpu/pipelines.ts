// Compiled kernels of a device, by kernel, variant and where the operands are.
import { GpuFailure, reasonOf } from './failure.js';
import { KERNELS } from './kernels.js';
import type { Dispatch } from './plan.js';
import { makeShader } from './shader.js';
import { STEP_BYTES } from './plan.js';

export class PipelineCache {
  readonly layout: GPUBindGroupLayout;
  readonly #device: GPUDevice;
  readonly #pipelineLayout: GPUPipelineLayout;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: GPUDevice) {
    this.#device = device;
    const buffer = (binding: number, layout: GPUBufferBindingLayout): GPUBindGroupLayoutEntry => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: layout,
    });
    this.layout = device.createBindGroupLayout({
      entries: [
        buffer(0, { type: 'storage' }),
        buffer(1, { type: 'read-only-storage' }),
        buffer(2, { type: 'uniform', hasDynamicOffset: true, minBindingSize: STEP_BYTES }),
      ],
    });
    this.#pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [this.layout] });
  }

  /** One pipeline per dispatch; those that are new are compiled side by side. */
  get(dispatches: readonly Dispatch[]): Promise<GPUComputePipeline[]> {
    return Promise.all(dispatches.map((dispatch) => this.#pipeline(dispatch)));
  }

  #pipeline({ kernel, variant, homes }: Dispatch): Promise<GPUComputePipeline> {
    const key = `${kernel}/${variant}/${homes}`;
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#compile(kernel, variant, homes);
      pipeline.catch(() => undefined);
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  async #compile(number: number, variant: number, homes: number): Promise<GPUComputePipeline> {
    const { name, kernel } = KERNELS[number] ?? { name: `number ${number}`, kernel: undefined };
    if (!kernel) throw new GpuFailure(`there is no WebGPU kernel ${name}`);
    const module = this.#device.createShaderModule({
      label: name,
      code: makeShader(kernel, variant, homes),
    });
    try {
      return await this.#device.createComputePipelineAsync({
        label: name,
        layout: this.#pipelineLayout,
        compute: { module, entryPoint: 'main' },
      });
    } catch (thrown) {
      const { messages } = await module.getCompilationInfo();
      const first = messages.find(({ type }) => type === 'error')?.message;
      throw new GpuFailure(`kernel ${name} does not compile: ${first ?? reasonOf(thrown)}`);
    }
  }
}
