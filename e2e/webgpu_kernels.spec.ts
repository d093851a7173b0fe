// Every WebGPU kernel against the CPU's, over odd shapes: nodes of a family beside each other.
import { familyModel, familyNames } from './kernel_cases';
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
});
