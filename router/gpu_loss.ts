// What a page remembers of a GPU that went away. It is asked for once more; then the page leaves it alone,
// unless the caller names it: a driver that resets again and again takes the whole screen along.
import type { Manifest } from '../manifest/parse.js';
import type { RouteFilter } from './choose.js';
import { forgetGpu, type GpuProbe, probeGpu } from './gpu_probe.js';
import { isHidden } from './page_view.js';

// Of performance.now().
let lostAt: number | undefined;
let cooling: string | undefined;

// Why the GPU is left alone; undefined when it is not.
export const gpuCooling = () => cooling;

// A device went away that a route had which began to start at `began`. Those that were there at the first
// loss went with it. A hidden page may have lost its device for being hidden.
export function gpuLost(began: number, now = performance.now()): void {
  forgetGpu();
  if (isHidden()) return;
  if (lostAt === undefined) lostAt = now;
  else if (began > lostAt) cool('it was lost twice on this page');
}

// A route on the GPU did not start.
export function gpuRefused(why: string): void {
  forgetGpu();
  if (lostAt !== undefined) cool(`it did not come back: ${why}`);
}

// Asking for an adapter starts the GPU process: only where an answer matters.
export async function gpuFor(
  variants: Manifest['variants'],
  force: RouteFilter | undefined,
): Promise<GpuProbe> {
  if (force?.device === 'cpu') return { available: false, why: 'the CPU is forced' };
  const some = variants.some(({ devices }) => devices.includes('webgpu'));
  if (!some) return { available: false, why: 'no variant is for WebGPU' };
  if (cooling !== undefined && force?.device !== 'webgpu')
    return { available: false, why: cooling };
  return probeGpu();
}

// As of a new page.
export function forgetLosses(): void {
  lostAt = cooling = undefined;
}

function cool(why: string): void {
  cooling ??= `the GPU is left alone: ${why}`;
}
