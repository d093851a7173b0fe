// A manifest on machines with a GPU that is software, wrong, or lost: who serves, and who is stored.
import type { Page } from '@playwright/test';
import { expect, openPage, test } from './site';
import { webgpuBrowser } from './webgpu_browser';

test.use({ launchOptions: webgpuBrowser });

const wrongKernel = `const create = GPUDevice.prototype.createShaderModule;
  GPUDevice.prototype.createShaderModule = function (options) {
    const code = options.code.replace('bitcast<u32>(value)', 'bitcast<u32>(value + 1.5)');
    if (code === options.code) throw new Error('nothing to corrupt');
    return create.call(this, { ...options, code });
  };`;
const noAdapter = 'GPU.prototype.requestAdapter = async () => null;';
const notYet = `const request = GPU.prototype.requestAdapter;
  GPU.prototype.requestAdapter = async function (options) {
    return (await caches.has('no adapter')) ? null : request.call(this, options);
  };`;
const lostLater = `const map = GPUBuffer.prototype.mapAsync;
  const devices = [];
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (options) {
    const device = await request.call(this, options);
    devices.push(device);
    return device;
  };
  let maps = 0;
  GPUBuffer.prototype.mapAsync = function (...rest) {
    const mapped = map.apply(this, rest);
    // The self-test has two answers.
    if (++maps === 4) devices[0].destroy();
    return mapped;
  };`;

interface Visit {
  readonly shim?: string;
  readonly force?: boolean;
  // After the load the page gets no adapter, so that a lost GPU does not come back.
  readonly gone?: boolean;
}

/** Loads glyphs, asks all known answers twice, and tells what happened. */
const visit = (page: Page, { shim = '', force = true, gone = false }: Visit) =>
  page.evaluate(
    async ({ shim, force, gone }) => {
      const { answerAll, storage } = window.harness;
      const code = `${shim}\nexport * from '${location.origin}/dist/webgpu.mjs';`;
      const webgpu = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
      const session = await window.sardonyx.load('/own-models/glyphs/glyphs.sardonyx.json', {
        assets: { webgpu },
        ...(force ? { force: { device: 'webgpu' } } : {}),
      });
      if (gone) navigator.gpu.requestAdapter = () => Promise.resolve(null);
      let degraded = 0;
      session.addEventListener('degrade', () => degraded++);
      const first = session.route;
      const answers = [];
      for (let i = 0; i < 2; i++) {
        answers.push(...(await answerAll(session, session.manifest!, first.variant!)));
      }
      const { offline } = await storage.offlineOf(session);
      const { why, ...last } = session.route;
      const explained = await session.explain();
      await session.dispose();
      const [model] = await window.sardonyx.models.list();
      return {
        first: { device: first.device, variant: first.variant },
        last: { device: last.device, variant: last.variant, precision: last.precision },
        explained: { device: explained.device, variant: explained.variant },
        why: why.join('\n'),
        wrong: answers.filter(({ difference, tolerance }) => !(difference <= tolerance)),
        labels: answers.map(({ label }) => label).join(''),
        degraded,
        offline,
        stored: model?.files.map(({ variant }) => variant),
        complete: model?.complete,
      };
    },
    { shim, force, gone },
  );

const onCpu = { device: 'cpu', variant: 'int8' };
const onGpu = { device: 'webgpu', variant: 'fp16' };

test.describe('glyphs by its manifest', () => {
  test.beforeEach(({ page, site }) => openPage(page, site.isolated));
  test.afterEach(async ({ page }) => {
    // Whatever happened, the next load works.
    const found = await visit(page, { force: false });
    expect(found).toMatchObject({ wrong: [], last: onCpu, offline: 'ready' });
  });

  test('a software adapter does not win over the CPU', async ({ page }) => {
    const found = await visit(page, { force: false });
    expect(found).toMatchObject({
      first: onCpu,
      last: { ...onCpu, precision: 'int8' },
      explained: onCpu,
      wrong: [],
      degraded: 0,
      offline: 'ready',
      stored: ['int8'],
      complete: true,
    });
    expect(found.why).toContain('is software');
  });

  test('a forced one serves fp16, and what the CPU would need is stored too', async ({ page }) => {
    const found = await visit(page, {});
    expect(found).toMatchObject({
      first: onGpu,
      last: { ...onGpu, precision: 'fp16' },
      explained: onGpu,
      wrong: [],
      degraded: 0,
      offline: 'ready',
      stored: ['fp16', 'int8'],
      complete: true,
    });
  });

  test('one that computes wrongly is refused', async ({ page }) => {
    const found = await visit(page, { shim: wrongKernel });
    expect(found).toMatchObject({ first: onCpu, last: onCpu, wrong: [], offline: 'ready' });
    expect(found.degraded).toBe(1);
    expect(found.why).toContain('fp16 on webgpu');
    expect(found.why).toContain('other numbers');
  });

  test('without an adapter in the worker the CPU variant serves', async ({ page }) => {
    const found = await visit(page, { shim: noAdapter });
    expect(found).toMatchObject({ first: onCpu, last: onCpu, wrong: [], offline: 'ready' });
    expect(found.why).toContain('there is no WebGPU adapter');
  });

  test('one that is lost in the middle of a run leaves the same variant on the CPU', async ({
    page,
  }) => {
    const found = await visit(page, { shim: lostLater, gone: true });
    expect(found).toMatchObject({
      first: onGpu,
      last: { device: 'cpu', variant: 'fp16', precision: 'fp16' },
      explained: { device: 'cpu', variant: 'fp16' },
      wrong: [],
      degraded: 1,
      offline: 'ready',
    });
    expect(found.why).toContain('CPU: ');
  });

  test('one that could not be had at the load takes over when it can, after its self-test', async ({
    page,
  }) => {
    const found = await page.evaluate(async (shim) => {
      const { answerAll, swaps } = window.harness;
      await caches.open('no adapter');
      const code = `${shim}\nexport * from '${location.origin}/dist/webgpu.mjs';`;
      const webgpu = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
      const session = await window.sardonyx.load('/own-models/glyphs/glyphs.sardonyx.json', {
        assets: { webgpu },
        force: { device: 'webgpu' },
      });
      const seen = swaps.listen(session);
      const { device, variant } = session.route;
      const why = session.route.why.join('\n');
      const recovered = new Promise((resolve) => session.addEventListener('recover', resolve));
      await caches.delete('no adapter');
      await recovered;
      const answers = await answerAll(session, session.manifest!, 'fp16');
      const last = { device: session.route.device, variant: session.route.variant };
      await session.dispose();
      const wrong = answers.filter(({ difference, tolerance }) => !(difference <= tolerance));
      return { first: { device, variant }, last, why, wrong, seen };
    }, notYet);
    expect(found).toMatchObject({ first: onCpu, last: onGpu, wrong: [] });
    expect(found.why).toContain('fp16 on webgpu');
    expect(found.seen).toContain('recover int8-cpu-relaxed > fp16-webgpu-relaxed');
  });
});
