// Every WebGPU kernel against the CPU's, over odd shapes: nodes of a family beside each other.
import { familyModel, familyNames, handedOver } from './kernel_cases';
import { expect, sharedPage, test } from './site';
import { webgpuBrowser } from './webgpu_browser';

test.use({ launchOptions: webgpuBrowser });

test.describe('kernels on WebGPU compute what the CPU does', () => {
  const page = sharedPage('isolated');

  for (const family of familyNames) {
    test(family, async () => {
      const { bytes, feeds } = familyModel(family);
      const found = await page().evaluate(
        async ({ bytes, feeds }) => window.harness.compareDevices(new Uint8Array(bytes), feeds),
        { bytes: [...bytes], feeds },
      );
      expect(found.why.join('\n')).not.toContain('CPU: ');
      expect(found.device).toBe('webgpu');
      expect(found.onCpu).toEqual([]);
      expect(found.differences.length).toBeGreaterThan(0);
      const wrong = found.differences.filter(({ ratio }) => !(ratio <= 1));
      expect(wrong).toEqual([]);
    });
  }

  test('steps without a kernel, handed over to the CPU', async () => {
    const { bytes, feeds, onCpu } = handedOver;
    const found = await page().evaluate(
      async ({ bytes, feeds }) => window.harness.compareDevices(new Uint8Array(bytes), feeds),
      { bytes: [...bytes], feeds },
    );
    expect(found.device, found.why.join('\n')).toBe('webgpu');
    expect(found.onCpu).toEqual(onCpu);
    expect(found.differences.filter(({ ratio }) => !(ratio <= 1))).toEqual([]);
  });

  test('an index out of range is an error of the run, and the GPU goes on', async () => {
    const found = await page().evaluate(async () => {
      const { harness, sardonyx } = window;
      const session = await sardonyx.load(harness.modelUrl('gather'), {
        force: { device: 'webgpu' },
      });
      const gather = async (...indices: number[]) => {
        const data = BigInt64Array.from(indices, BigInt);
        const tensor = new sardonyx.Tensor('int64', data, [indices.length]);
        const { y } = await session.run({ indices: tensor });
        return Array.from(y!.data as Float32Array);
      };
      const outputs = [];
      const failures = [];
      for (let i = 0; i < 2; i++) {
        failures.push(await harness.failureOf(gather(0, 9)));
        outputs.push(await gather(3, 1));
      }
      const { device } = session.route;
      await session.dispose();
      return { outputs, failures, device };
    });
    expect(found.outputs).toEqual([
      [4, 2],
      [4, 2],
    ]);
    expect(found.failures.map((failure) => failure?.code)).toEqual(['INDEX_RANGE', 'INDEX_RANGE']);
    expect(found.device).toBe('webgpu');
  });
});
