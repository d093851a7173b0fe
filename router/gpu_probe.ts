// What WebGPU offers here, asked once per page.
export type GpuProbe =
  | { readonly available: false; readonly why: string }
  | {
      readonly available: true;
      // "google swiftshader", for people.
      readonly adapter: string;
      // Computes on the CPU.
      readonly software: boolean;
      // The largest buffer that a shader can see.
      readonly maxBytes: number;
    };

const ADAPTER_MS = 2000;
// Firefox does not mark them.
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render|warp/i;

let asked: Promise<GpuProbe> | undefined;

export function probeGpu(): Promise<GpuProbe> {
  asked ??= askGpu((globalThis.navigator as Partial<Navigator> | undefined)?.gpu);
  return asked;
}

type Adapters = Pick<GPU, 'requestAdapter'>;

// Never rejects.
export async function askGpu(gpu: Adapters | undefined, ms = ADAPTER_MS): Promise<GpuProbe> {
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

function describe({ info, limits }: GPUAdapter): GpuProbe {
  const { vendor, architecture, description } = info;
  const name = [vendor, architecture].filter(Boolean).join(' ');
  return {
    available: true,
    adapter: name || description || 'unnamed',
    software: info.isFallbackAdapter || SOFTWARE.test(`${name} ${description}`),
    maxBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
  };
}
