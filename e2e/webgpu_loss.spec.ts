// A device that is lost in the middle of a run, for real: the run is repeated on the CPU at once. Each
// test has a browser process of its own, for a lost GPU process leaves traces.
import { chromium, type Browser, type Page } from '@playwright/test';
import { expect, openPage, test } from './site';
import { webgpuBrowser } from './webgpu_browser';

const losses = [
  {
    title: 'the device is destroyed',
    lose: (_browser: Browser, page: Page) => page.evaluate(() => window.watch.destroy()),
  },
  {
    title: 'the GPU process crashes',
    lose: async (browser: Browser) => {
      const session = await browser.newBrowserCDPSession();
      // Never answered: the process is gone.
      void session.send('Browser.crashGpuProcess').catch(() => undefined);
    },
  },
];

for (const { title, lose } of losses) {
  test(`${title} in the middle of a run`, async ({ site }) => {
    const browser = await chromium.launch(webgpuBrowser);
    try {
      const page = await browser.newPage();
      await openPage(page, site.isolated);
      await page.evaluate(startRuns);
      await page.evaluate(withoutGpu);
      await lose(browser, page);
      const found = await page.evaluate(() => window.finishRuns());
      expect(found.before).toBe('webgpu');
      expect(found.differences).toEqual([0, 0, 0]);
      expect(found.device).toBe('cpu');
      expect(found.why.at(-1)).toMatch(/^CPU: the device was lost/);
      expect(found.stepDevices).toEqual(['cpu']);
      expect(found.degraded).toBe(1);
      expect(found.adapters).toBe(1);
      expect(found.interrupted).toBe(true);
    } finally {
      await browser.close();
    }
  });
}

test('probe() asks for an adapter again after the device was lost', async ({ site }) => {
  const browser = await chromium.launch(webgpuBrowser);
  try {
    const page = await browser.newPage();
    await page.addInitScript(() => {
      const { gpu } = navigator as Partial<Navigator>;
      const ask = gpu?.requestAdapter.bind(gpu);
      if (!gpu || !ask) return;
      gpu.requestAdapter = (options) => {
        performance.mark('adapter');
        return ask(options);
      };
    });
    await openPage(page, site.isolated);
    const probes = () =>
      page.evaluate(async () => {
        const { webgpu } = await window.sardonyx.probe();
        const asked = performance.getEntriesByName('adapter').length;
        return { asked, software: webgpu.available && webgpu.software };
      });
    expect(await probes()).toEqual({ asked: 1, software: true });
    await page.evaluate(startRuns);
    expect(await probes()).toMatchObject({ asked: 1 });
    await page.evaluate(() => window.watch.destroy());
    expect((await page.evaluate(() => window.finishRuns())).device).toBe('cpu');
    expect(await probes()).toMatchObject({ asked: 2 });
  } finally {
    await browser.close();
  }
});

/** From now on the page gets no adapter, so that the GPU does not come back. */
function withoutGpu(): void {
  navigator.gpu.requestAdapter = () => Promise.resolve(null);
}

/** Starts three runs, the first of them for seconds, on a session that has run on the GPU before. */
async function startRuns(): Promise<void> {
  const { harness, sardonyx } = window;
  const watch = harness.watchGpu();
  window.watch = watch;
  const url = harness.modelUrl('some-steps');
  const session = await sardonyx.load(url, {
    force: { device: 'webgpu' },
    assets: { webgpu: watch.url },
  });
  const onCpu = await sardonyx.load(url, { force: { device: 'cpu' } });
  let degraded = 0;
  session.addEventListener('degrade', () => degraded++);
  await session.run({ x: harness.rows(1, 512) });
  const before = session.route.device;
  const feeds = [256, 3, 1].map((count) => ({ x: harness.rows(count, 512) }));
  const wanted = await Promise.all(feeds.map((feed) => onCpu.run(feed)));
  await onCpu.dispose();
  // The long one's plan is made and compared; the run that is interrupted is a steady one.
  await session.run(feeds[0]!);
  let done = 0;
  const runs = feeds.map(async (feed) => {
    const outputs = await session.run(feed);
    done++;
    return outputs;
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  const interrupted = done === 0;
  window.finishRuns = async () => {
    const outputs = await Promise.all(runs);
    const differences = outputs.map(({ y }, i) => {
      const [found, expected] = [y!.data as Float32Array, wanted[i]!.y!.data as Float32Array];
      return found.filter((value, n) => !(Math.abs(value - expected[n]!) <= 1e-3)).length;
    });
    const { device, why } = session.route;
    const { steps } = await session.explain();
    const { requestAdapter } = await watch.counts();
    await session.dispose();
    const stepDevices = [...new Set(steps.map((step) => step.device))];
    return {
      before,
      differences,
      device,
      why,
      stepDevices,
      degraded,
      adapters: requestAdapter!,
      interrupted,
    };
  };
}

declare global {
  interface Window {
    watch: ReturnType<Window['harness']['watchGpu']>;
    finishRuns(): Promise<{
      before: string;
      differences: number[];
      device: string;
      why: readonly string[];
      stepDevices: string[];
      degraded: number;
      adapters: number;
      interrupted: boolean;
    }>;
  }
}
