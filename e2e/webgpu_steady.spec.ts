// A run whose shapes have been seen makes nothing new on the GPU: calls of the real objects are counted
// in the worker.
import { familyModel } from './kernel_cases';
import { expect, sharedPage, test } from './site';
import { webgpuBrowser } from './webgpu_browser';

test.use({ launchOptions: webgpuBrowser });

test.describe('a steady run on WebGPU', () => {
  const page = sharedPage('isolated');

  test('creates no objects, submits once and reads back once', async () => {
    const { bytes, feeds } = familyModel('convolution');
    const { first, steady } = await page().evaluate(
      async ({ bytes, feeds }) => {
        const { harness, sardonyx } = window;
        const watch = harness.watchGpu();
        const session = await sardonyx.load(new Uint8Array(bytes), {
          force: { device: 'webgpu' },
          assets: { webgpu: watch.url },
        });
        const tensors = harness.madeUpFeeds(feeds);
        const counted = async () => {
          const before = await watch.counts();
          await session.run(tensors);
          const after = await watch.counts();
          const calls = Object.entries(after).map(([name, count]) => [name, count - before[name]!]);
          return Object.fromEntries(calls) as Record<string, number>;
        };
        const first = await counted();
        const steady = [await counted(), await counted()];
        await session.dispose();
        return { first, steady };
      },
      { bytes: [...bytes], feeds },
    );
    expect(first.createComputePipelineAsync).toBeGreaterThan(10);
    expect(first.createBuffer).toBeGreaterThan(0);
    for (const calls of steady) {
      const { submit, mapAsync, createCommandEncoder, ...others } = calls;
      expect({ submit, mapAsync, createCommandEncoder }).toEqual({
        submit: 1,
        mapAsync: 1,
        createCommandEncoder: 1,
      });
      expect(Object.values(others).length).toBeGreaterThan(8);
      for (const [name, count] of Object.entries(others)) expect(count, name).toBe(0);
    }
  });

  test('alternates between shapes without new objects', async () => {
    const { outputs, calls } = await page().evaluate(async () => {
      const { harness, sardonyx } = window;
      const watch = harness.watchGpu();
      const session = await sardonyx.load(harness.modelUrl('outer'), {
        force: { device: 'webgpu' },
        assets: { webgpu: watch.url },
      });
      const run = async (...values: number[]) => {
        const x = new sardonyx.Tensor('float32', Float32Array.from(values), [values.length, 1]);
        return Array.from((await session.run({ x })).y!.data as Float32Array);
      };
      await run(1, 2);
      await run(1, 2, 3);
      const before = await watch.counts();
      const outputs = [await run(3, 4), await run(1, 0, 2), await run(5, 6)];
      const after = await watch.counts();
      await session.dispose();
      const calls = Object.entries(after).map(([name, n]) => [name, n - before[name]!] as const);
      return { outputs, calls: calls.filter(([, count]) => count > 0) };
    });
    expect(outputs).toEqual([
      [9, 12, 12, 16],
      [1, 0, 2, 0, 0, 0, 2, 0, 4],
      [25, 30, 30, 36],
    ]);
    expect(Object.fromEntries(calls)).toEqual({ createCommandEncoder: 3, submit: 3, mapAsync: 3 });
  });
});
