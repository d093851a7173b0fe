// A GPU that was lost: it is asked for once more while the CPU serves, and left alone after that. Each test
// has a browser process of its own, for a lost device leaves traces.
import { chromium, type Page } from '@playwright/test';
import { expect, openPage, test } from './site';
import { webgpuBrowser } from './webgpu_browser';

const right = [1, 0, 1.5, 8];
const [GPU, CPU] = ['webgpu-relaxed', 'cpu-relaxed'];
const lost = [`degrade ${GPU} > ${CPU}`, `route ${GPU} > ${CPU}`];
const back = [`recover ${CPU} > ${GPU}`, `route ${CPU} > ${GPU}`];

async function onGpuPage(
  server: Parameters<typeof openPage>[1],
  work: (page: Page) => Promise<void>,
): Promise<void> {
  const browser = await chromium.launch(webgpuBrowser);
  try {
    const page = await browser.newPage();
    await openPage(page, server);
    await page.evaluate(open);
    await work(page);
  } finally {
    await browser.close();
  }
}

/** Loads the small model for the GPU; window.lossOf loses the device. */
async function open(): Promise<void> {
  const { modelUrl, runSmall, swaps, watchGpu } = window.harness;
  const watch = watchGpu();
  const session = await window.sardonyx.load(modelUrl('small'), {
    force: { device: 'webgpu' },
    assets: { webgpu: watch.url },
  });
  const seen = swaps.listen(session);
  window.lossOf = {
    seen,
    // Runs until one finds the device gone.
    async lose() {
      const before = await runSmall(session);
      const { device } = session.route;
      watch.destroy();
      const late = performance.now() + 20_000;
      let outputs = before;
      while (session.route.device === device && performance.now() < late) {
        outputs = await runSmall(session);
      }
      return { device, now: session.route.device, outputs: [before, outputs] };
    },
    async state() {
      const { route, state } = session;
      return { device: route.device, state, outputs: await runSmall(session), seen: [...seen] };
    },
    async ask() {
      const { device } = await session.swap({ device: 'webgpu' });
      return { device, outputs: await runSmall(session) };
    },
  };
}

const lose = (page: Page) => page.evaluate(() => window.lossOf.lose());
const stateOf = (page: Page) => page.evaluate(() => window.lossOf.state());

test('it comes back once; after the second loss it is left alone, until it is asked for', async ({
  site,
}) => {
  await onGpuPage(site.isolated, async (page) => {
    const first = { device: 'webgpu', now: 'cpu', outputs: [right, right] };
    expect(await lose(page)).toEqual(first);
    await expect.poll(async () => (await stateOf(page)).device).toBe('webgpu');
    expect(await stateOf(page)).toMatchObject({ outputs: right, seen: [...lost, ...back] });
    expect(await lose(page)).toEqual(first);
    // A first loss would have been followed by another attempt by then.
    await page.waitForTimeout(8000);
    expect(await stateOf(page)).toEqual({
      device: 'cpu',
      state: 'serving',
      outputs: right,
      seen: [...lost, ...back, ...lost],
    });
    // What later loads of the page are told, and what was asked for by name.
    const found = await page.evaluate(async () => {
      const { rejected } = await window.sardonyx.availability(
        '/own-models/glyphs/glyphs.sardonyx.json',
      );
      const why = rejected.filter(({ route }) => route.device === 'webgpu').map(({ why }) => why);
      return { why: why.join('\n'), asked: await window.lossOf.ask() };
    });
    expect(found.why).toContain('left alone: it was lost twice');
    expect(found.asked).toEqual({ device: 'webgpu', outputs: right });
  });
});

test('without an adapter it is asked for once, and the CPU goes on', async ({ site }) => {
  await onGpuPage(site.isolated, async (page) => {
    await page.evaluate(() => {
      window.asked = 0;
      // As after a GPU process that crashed too often.
      navigator.gpu.requestAdapter = () => {
        window.asked++;
        return Promise.resolve(null);
      };
    });
    await lose(page);
    await expect.poll(() => page.evaluate(() => window.asked)).toBe(1);
    await expect.poll(async () => (await stateOf(page)).seen.length).toBe(3);
    await page.waitForTimeout(7000);
    expect(await page.evaluate(() => window.asked)).toBe(1);
    expect(await stateOf(page)).toMatchObject({
      device: 'cpu',
      state: 'serving',
      outputs: right,
      seen: [...lost, `rollback ${GPU} > ${CPU} DEVICE_UNAVAILABLE`],
    });
  });
});

declare global {
  interface Window {
    asked: number;
    lossOf: {
      seen: readonly string[];
      lose(): Promise<{ device: string; now: string; outputs: number[][] }>;
      state(): Promise<{ device: string; state: string; outputs: number[]; seen: string[] }>;
      ask(): Promise<{ device: string; outputs: number[] }>;
    };
  }
}
