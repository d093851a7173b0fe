// A plan with everything that its runs need on the device: a steady run makes no GPU objects.
import { GpuFailure } from './failure.js';
import type { PipelineCache } from './pipelines.js';
import { type Copy, type Plan, STEP_BYTES } from './plan.js';

export interface PreparedPlan {
  readonly plan: Plan;
  readonly pipelines: readonly GPUComputePipeline[];
  readonly bindings: GPUBindGroup;
  readonly arena: GPUBuffer;
  readonly readback: GPUBuffer;
  destroy(): void;
}

export const sumOfBytes = (copies: readonly Copy[]): number =>
  copies.reduce((sum, { bytes }) => sum + bytes, 0);

export async function preparePlan(
  device: GPUDevice,
  cache: PipelineCache,
  weights: GPUBuffer,
  plan: Plan,
  memory: WebAssembly.Memory,
): Promise<PreparedPlan> {
  const pipelines = await cache.get(plan.dispatches);
  const downloads = plan.handOvers.map((handOver) => sumOfBytes(handOver.downloads));
  const steps = plan.dispatches.length * STEP_BYTES;
  return checked(device, () => {
    const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const arena = makeBuffer(device, plan.arenaBytes, storage | GPUBufferUsage.COPY_SRC);
    const readback = makeBuffer(
      device,
      Math.max(sumOfBytes(plan.outputs), ...downloads),
      GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    );
    const uniforms = makeBuffer(device, steps, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
    device.queue.writeBuffer(uniforms, 0, memory.buffer, plan.steps, steps);
    for (const { offset, bytes, address } of plan.constants) {
      device.queue.writeBuffer(arena, offset, memory.buffer, address, bytes);
    }
    const bindings = device.createBindGroup({
      layout: cache.layout,
      entries: [
        { binding: 0, resource: { buffer: arena } },
        { binding: 1, resource: { buffer: weights } },
        { binding: 2, resource: { buffer: uniforms, size: STEP_BYTES } },
      ],
    });
    const destroy = () => {
      for (const buffer of [arena, readback, uniforms]) buffer.destroy();
    };
    return { plan, pipelines, bindings, arena, readback, destroy };
  });
}

/** A buffer of at least 256 bytes. */
export function makeBuffer(device: GPUDevice, bytes: number, usage: number): GPUBuffer {
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const limit = Math.min(
    maxBufferSize,
    usage & GPUBufferUsage.STORAGE ? maxStorageBufferBindingSize : maxBufferSize,
  );
  if (bytes > limit) {
    throw new GpuFailure(`a buffer of ${bytes} bytes is above the device's limit of ${limit}`);
  }
  return device.createBuffer({ size: Math.max(bytes, STEP_BYTES), usage });
}

/** Calls `make` and fails when the device reports an error of it. */
export async function checked<T>(device: GPUDevice, make: () => T): Promise<T> {
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  let scopes: Promise<GPUError | null>[];
  let made: T;
  try {
    made = make();
  } finally {
    scopes = [device.popErrorScope(), device.popErrorScope()];
    for (const scope of scopes) scope.catch(() => undefined);
  }
  const [memory, validation] = await Promise.all(scopes);
  if (memory) throw new GpuFailure(`the GPU has not enough memory: ${memory.message}`);
  if (validation) throw new GpuFailure(`WebGPU refuses the plan: ${validation.message}`);
  return made;
}
