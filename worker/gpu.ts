// The WebGPU side of the engine: webgpu.mjs is loaded when a model asks for it.
import type * as WebGpu from '../webgpu/entry.js';
import type { WireTensor } from './protocol.js';

export type GpuExecutor = WebGpu.GpuExecutor;

// Why a run was not done on the GPU; the CPU does it. Rejections of webgpu.mjs have the name too.
export class GpuFailure extends Error {
  override readonly name = 'GpuFailure';
  // The device went away.
  readonly lost: boolean = false;
}

export const isGpuFailure = (thrown: unknown): thrown is GpuFailure =>
  thrown instanceof Error && thrown.name === 'GpuFailure';

// Rejects with GpuFailure.
export async function startGpu(url: string): Promise<GpuExecutor> {
  let code: typeof WebGpu;
  try {
    code = await importMjs(stemOf(url));
  } catch (thrown) {
    throw new GpuFailure(`can not load ${url}: ${String(thrown)}`);
  }
  return code.GpuExecutor.create();
}

// Vite's development server puts an `import` statement before scripts that import() anything but a
// string, which a template that ends in .mjs is to it; worker.js is no module and must stay without.
const importMjs = (stem: string) => import(`${stem}.mjs`) as Promise<typeof WebGpu>;

const stemOf = (url: string) => (url.endsWith('.mjs') ? url.slice(0, -'.mjs'.length) : `${url}#`);

// A difference that float arithmetic in another order does not explain.
const OF_MAXIMUM = 1e-3;
const OF_VALUE = 1e-2;

// Whether both devices computed the same. Integers are not looked at: an index may turn on a tie.
export function agree(gpu: readonly WireTensor[], cpu: readonly WireTensor[]): boolean {
  return cpu.every((expected, i) => {
    const found = gpu[i];
    if (expected.type !== 'float32' || found === undefined) return found !== undefined;
    return close(found.data as Float32Array, expected.data as Float32Array);
  });
}

function close(found: Float32Array, expected: Float32Array): boolean {
  let maximum = 0;
  for (const value of expected) {
    const size = Math.abs(value);
    if (size > maximum && size < Infinity) maximum = size;
  }
  return (
    found.length === expected.length &&
    expected.every((value, i) => {
      const other = found[i]!;
      return (
        Object.is(value, other) ||
        value === other ||
        (Number.isFinite(value) &&
          Math.abs(value - other) <= OF_MAXIMUM * maximum + OF_VALUE * Math.abs(value))
      );
    })
  );
}
