// What happens where WebGPU fails: the caller gets the right answer, from the CPU, and is told why.
// The failures are made by a module in front of webgpu.mjs, which the session is told to load.
import { expect, sharedPage, test } from './site';
import { webgpuBrowser } from './webgpu_browser';

test.use({ launchOptions: webgpuBrowser });

/** What the page's model "small" computes for the feeds of runSmall(). */
const smallOutput = [1, 0, 1.5, 8];

const failures = [
  {
    title: 'there is no adapter',
    shim: 'GPU.prototype.requestAdapter = async () => null;',
    reason: 'there is no WebGPU adapter',
    whileLoading: true,
  },
  {
    title: 'the adapter does not answer',
    shim: 'GPU.prototype.requestAdapter = () => new Promise(() => undefined);',
    reason: 'did not answer in 2 s',
    whileLoading: true,
  },
  {
    title: 'a shader does not compile',
    shim: `const create = GPUDevice.prototype.createShaderModule;
      GPUDevice.prototype.createShaderModule = function (options) {
        return create.call(this, { ...options, code: options.code + ' no WGSL' });
      };`,
    reason: 'does not compile',
  },
  {
    title: 'a kernel computes wrongly',
    shim: `const create = GPUDevice.prototype.createShaderModule;
      GPUDevice.prototype.createShaderModule = function (options) {
const code = options.code.replace('bitcast<u32>(value)', 'bitcast<u32>(value + 1.5)');
        if (code === options.code) throw new Error('nothing to corrupt');
        return create.call(this, { ...options, code });
      };`,
    reason: 'other numbers',
  },
  {
    title: 'the GPU has no memory left',
    shim: `GPUDevice.prototype.popErrorScope = async () => ({ message: 'out of memory' });`,
    reason: 'not enough memory',
  },
] as const;

test.describe('without a working GPU', () => {
  const page = sharedPage('isolated');

  test('the same model runs on the GPU where nothing fails', async () => {
    const found = await page().evaluate(async () => {
      const { harness, sardonyx } = window;
      const session = await sardonyx.load(harness.modelUrl('small'), {
        force: { device: 'webgpu' },
      });
      const outputs = [await harness.runSmall(session), await harness.runSmall(session)];
      const { device, why, steps } = await session.explain();
      await session.dispose();
      return { outputs, device, why, devices: steps.map((step) => step.device) };
    });
    expect(found.device, found.why.join('\n')).toBe('webgpu');
    expect(new Set(found.devices)).toEqual(new Set(['webgpu']));
    expect(found.outputs).toEqual([smallOutput, smallOutput]);
  });

  for (const failure of failures) {
    test(failure.title, async () => {
      const found = await page().evaluate(
        async ({ shim, whileLoading }) => {
          const { harness, sardonyx } = window;
          const session = await sardonyx.load(harness.modelUrl('small'), {
            force: { device: 'webgpu' },
            assets: { webgpu: harness.watchGpu(shim).url },
          });
          let degraded = 0;
          session.addEventListener('degrade', () => degraded++);
          const before = session.route.device;
          const outputs = [await harness.runSmall(session), await harness.runSmall(session)];
          const { device, why, steps } = await session.explain();
          const { route } = session;
          await session.dispose();
          const devices = steps.map((step) => step.device);
          return { before, outputs, device, route, why, devices, degraded, whileLoading };
        },
        { shim: failure.shim, whileLoading: 'whileLoading' in failure },
      );
      const early = 'whileLoading' in failure;
      expect(found.outputs).toEqual([smallOutput, smallOutput]);
      expect(found.before).toBe(early ? 'cpu' : 'webgpu');
      expect(found.degraded).toBe(early ? 0 : 1);
      expect(found.device).toBe('cpu');
      expect(found.route.device).toBe('cpu');
      expect(new Set(found.devices)).toEqual(new Set(['cpu']));
      expect(found.why.join('\n')).toContain(failure.reason);
      expect(found.route.why).toEqual(found.why);
    });
  }

  test('a buffer is above the limits of the device', async () => {
    const rows = 5800; // 5800² floats are above the 128 MiB that a device has when nobody asks for more
    const found = await page().evaluate(async (rows) => {
      const { harness, sardonyx } = window;
      const { url } = harness.watchGpu(`
        const request = GPUAdapter.prototype.requestDevice;
        GPUAdapter.prototype.requestDevice = function () { return request.call(this); };`);
      const session = await sardonyx.load(harness.modelUrl('outer'), {
        force: { device: 'webgpu' },
        assets: { webgpu: url },
      });
      const x = new sardonyx.Tensor('float32', new Float32Array(rows).fill(2), [rows, 1]);
      const y = (await session.run({ x })).y!.data as Float32Array;
      const small = new sardonyx.Tensor('float32', Float32Array.of(1, 3), [2, 1]);
      const after = (await session.run({ x: small })).y!.data as Float32Array;
      const { device, why } = session.route;
      await session.dispose();
      const right = y.length === rows * rows && y.every((value) => value === 4);
      return { right, after: Array.from(after), device, why };
    }, rows);
    expect(found.right).toBe(true);
    expect(found.after).toEqual([1, 3, 3, 9]);
    expect(found.device).toBe('cpu');
    expect(found.why.at(-1)).toMatch(/^CPU: a buffer of \d+ bytes is above the device's limit/);
  });
});
