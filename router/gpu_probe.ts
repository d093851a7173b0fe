// What WebGPU offers here, asked once per page, and anew after forgetGpu().
import { onSeen } from './page_view.js';

export interface NoGpu {
  readonly available: false;
  readonly why: string;
}

export interface Adapter {
  readonly available: true;
  /** "google swiftshader", for people. */
  readonly adapter: string;
  /** Computes on the CPU. */
  readonly software: boolean;
  /** The largest buffer that a shader can see: what the weights of a variant may have. */
  readonly maxBytes: number;
}

// What the choice of a route needs of it.
export type GpuProbe = NoGpu | Adapter;

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

export interface AdapterReport extends Adapter {
  readonly limits: Readonly<Record<(typeof LIMITS)[number], number>>;
  /** Names of WebGPU, as 'shader-f16'. */
  readonly features: readonly string[];
}

export type GpuReport = NoGpu | AdapterReport;

const ADAPTER_MS = 2000;
// Firefox does not mark them.
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render|warp/i;

let asked: Promise<GpuReport> | undefined;

export function probeGpu(): Promise<GpuReport> {
  onSeen(forgetAfterLong);
  asked ??= askGpu((globalThis.navigator as Partial<Navigator> | undefined)?.gpu);
  return asked;
}

// After a route on the GPU failed: the adapter may be gone, or be another one.
export function forgetGpu(): void {
  asked = undefined;
}

function forgetAfterLong(long: boolean): void {
  if (long) forgetGpu();
}

type Adapters = Pick<GPU, 'requestAdapter'>;

// Never rejects.
export async function askGpu(gpu: Adapters | undefined, ms = ADAPTER_MS): Promise<GpuReport> {
  if (!gpu) return { available: false, why: 'there is no WebGPU here' };
  const late = Symbol('late');
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => resolve(late), ms);
  });
  try {
    const adapter = await Promise.race([
      gpu.requestAdapter({ powerPreference: 'high-performance' }),
      timeout,
    ]);
    if (adapter === late) {
      return { available: false, why: `WebGPU did not answer in ${ms / 1000} s` };
    }
    return adapter ? describe(adapter) : { available: false, why: 'there is no WebGPU adapter' };
  } catch (thrown) {
    return { available: false, why: `WebGPU failed: ${String(thrown)}` };
  } finally {
    clearTimeout(timer);
  }
}

function describe({ info, limits, features }: GPUAdapter): AdapterReport {
  const { vendor, architecture, description } = info;
  const name = [vendor, architecture].filter(Boolean).join(' ');
  return {
    available: true,
    adapter: name || description || 'unnamed',
    software: info.isFallbackAdapter || SOFTWARE.test(`${name} ${description}`),
    maxBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
    limits: Object.fromEntries(
      LIMITS.map((name) => [name, limits[name]]),
    ) as AdapterReport['limits'],
    features: [...features].sort(),
  };
}
