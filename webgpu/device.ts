// A device with the largest buffers that its adapter has.
import { GpuFailure, reasonOf } from './failure.js';

const ADAPTER_MS = 2000;

export interface GpuContext {
  readonly device: GPUDevice;
  /** "google swiftshader", for people. */
  readonly adapter: string;
  /** Settles, with the reason, when the device is gone; never rejects. */
  readonly lost: Promise<string>;
}

export async function acquireDevice(): Promise<GpuContext> {
  const gpu = (globalThis.navigator as Partial<Navigator> | undefined)?.gpu;
  if (!gpu) throw new GpuFailure('there is no WebGPU here');
  const adapter = await inTime(gpu.requestAdapter({ powerPreference: 'high-performance' }));
  if (!adapter) throw new GpuFailure('there is no WebGPU adapter');
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  try {
    const device = await inTime(
      adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } }),
    );
    const { vendor, architecture } = adapter.info;
    const lost = device.lost.then(({ reason, message }) => `${reason}: ${message}`);
    return { device, adapter: `${vendor} ${architecture}`.trim(), lost };
  } catch (thrown) {
    throw new GpuFailure(`there is no WebGPU device: ${reasonOf(thrown)}`);
  }
}

function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new GpuFailure(`WebGPU did not answer in ${ADAPTER_MS / 1000} s`)),
      ADAPTER_MS,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
