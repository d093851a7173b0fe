// Runs a model on WebGPU and on the CPU, on the same made-up inputs, and compares.
import type { DType, Tensor } from '../../web/index';
import { difference, type Difference } from './measures';

interface Feed {
  readonly name: string;
  readonly dtype: string;
  readonly dims: readonly number[];
}

/** Floats in [-2, 2) with ties to spare, small integers of either sign, bytes and bools. */
function madeUp({ dtype, dims }: Feed, seed: number): Tensor {
  const count = dims.reduce((a, b) => a * b, 1);
  let state = seed * 7919 + 17;
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >> 12;
  };
  const make = {
    float32: () => Float32Array.from({ length: count }, () => (next() % 4000) / 1000 - 2),
    int32: () => Int32Array.from({ length: count }, () => (next() % 7) - 3),
    int64: () => BigInt64Array.from({ length: count }, () => BigInt((next() % 7) - 3)),
    bool: () => Uint8Array.from({ length: count }, () => next() & 1),
    uint8: () => Uint8Array.from({ length: count }, () => next() % 3),
  }[dtype];
  if (!make) throw new Error(`no made-up values of ${dtype}`);
  return new window.sardonyx.Tensor(dtype as DType, make(), [...dims]);
}

export const madeUpFeeds = (feeds: readonly Feed[]): Record<string, Tensor> =>
  Object.fromEntries(feeds.map((feed, i) => [feed.name, madeUp(feed, i)]));

export async function compareDevices(
  bytes: Uint8Array,
  feeds: readonly Feed[],
): Promise<{
  device: string;
  why: readonly string[];
  onCpu: string[];
  differences: Difference[];
}> {
  const tensors = madeUpFeeds(feeds);
  const [gpu, cpu] = await Promise.all([
    window.sardonyx.load(bytes, { force: { device: 'webgpu' } }),
    window.sardonyx.load(bytes, { force: { device: 'cpu' } }),
  ]);
  const got = await gpu.run(tensors);
  const wanted = await cpu.run(tensors);
  const { device, why, steps } = await gpu.explain();
  await Promise.all([gpu.dispose(), cpu.dispose()]);
  return {
    device,
    why,
    onCpu: steps.filter((step) => step.device === 'cpu').map(({ node }) => node),
    differences: Object.entries(wanted).map(([name, tensor]) =>
      difference(name, got[name], tensor),
    ),
  };
}
