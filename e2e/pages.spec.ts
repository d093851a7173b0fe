// Every kind of page that the library must start on.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from '@playwright/test';
import { expect, openPage, test } from './site';

const smallOutput = [1, 0, 1.5, 8];

async function loadAndRun(
  page: Page,
): Promise<{ threads: number; isolated: boolean; output: number[] }> {
  return page.evaluate(async () => {
    const session = await window.sardonyx.load(window.harness.modelUrl('small'));
    const output = await window.harness.runSmall(session);
    // Threads join in the background.
    for (let i = 0; i < 100 && crossOriginIsolated && session.route.threads < 2; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { threads: session.route.threads, isolated: crossOriginIsolated, output };
  });
}

for (const entry of ['esm', 'script'] as const) {
  test(`${entry} page, isolated: runs with threads`, async ({ page, site }) => {
    await openPage(page, site.isolated, { entry });
    const found = await loadAndRun(page);
    expect(found).toMatchObject({ isolated: true, output: smallOutput });
    expect(found.threads).toBeGreaterThan(1);
  });

  test(`${entry} page, not isolated: runs with one thread`, async ({ page, site }) => {
    await openPage(page, site.plain, { entry });
    expect(await loadAndRun(page)).toEqual({ isolated: false, threads: 1, output: smallOutput });
  });

  test(`${entry} page with a strict content security policy`, async ({ page, site }) => {
    const violations: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') violations.push(message.text());
    });
    await openPage(page, site.strict, { entry });
    const found = await loadAndRun(page);
    expect(found).toMatchObject({ isolated: true, output: smallOutput });
    expect(violations).toEqual([]);
  });
}

test('probe() tells what the page has', async ({ page, site }) => {
  await openPage(page, site.isolated);
  const found = await page.evaluate(() => window.sardonyx.probe());
  expect(found).toMatchObject({ simd: true, engine: true, isolated: true, threads: true });
  expect(found.webgpu.available || found.webgpu.why).toBeTruthy();
  expect(found.cores).toBe(await page.evaluate(() => navigator.hardwareConcurrency));
  expect(found.memoryBytes).toBeGreaterThan(2 ** 27);
  expect(found.storage?.quota).toBeGreaterThan(0);
  expect(found.network).toMatchObject({ saveData: false });
});

test('a <script> from another origin, isolated', async ({ page, site }) => {
  await openPage(page, site.isolated, { entry: 'script', library: site.plain });
  const found = await loadAndRun(page);
  expect(found).toMatchObject({ isolated: true, output: smallOutput });
  expect(found.threads).toBeGreaterThan(1);
});

test('a <script> from another origin, not isolated', async ({ page, site }) => {
  await openPage(page, site.plain, { entry: 'script', library: site.isolated });
  expect(await loadAndRun(page)).toEqual({ isolated: false, threads: 1, output: smallOutput });
});

for (const isolated of [true, false]) {
  test(`inline in the caller's own worker${isolated ? '' : ', not isolated'}`, async ({
    page,
    site,
  }) => {
    await openPage(page, isolated ? site.isolated : site.plain);
    const found = await page.evaluate(async () => {
      const worker = new Worker('/harness/inline_worker.js', { type: 'module' });
      return new Promise((resolve) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => resolve(message);
      });
    });
    expect(found).toEqual({
      output: smallOutput,
      wrong: 'INPUT_MISSING',
      after: smallOutput,
      stored: [
        { offline: 'ready', fromStorage: false },
        { offline: 'ready', fromStorage: true },
      ],
    });
  });
}

test('the onnxruntime-web names', async ({ page, site }) => {
  await openPage(page, site.isolated);
  const found = await page.evaluate(async () => {
    const worker = new Worker('/harness/ort_worker.js', { type: 'module' });
    return new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => resolve(message);
    });
  });
  expect(found).toEqual({
    inputNames: ['x'],
    outputNames: ['y', 'product'],
    inputMetadata: [{ name: 'x', isTensor: true, type: 'float32', shape: [1, 4] }],
    outputs: ['y', 'product'],
    y: smallOutput,
    dims: [1, 4],
    only: ['product'],
  });
});

test.describe('start-up that fails says so in time', () => {
  const cases = [
    { title: 'no worker script', assets: { worker: '/absent/worker.js' } },
    { title: 'a worker script that is a web page', assets: { worker: '/web-page/' } },
    { title: 'no wasm', assets: { wasm: '/absent/x.wasm' } },
    { title: 'a wasm that is a web page', assets: { wasm: '/web-page/' } },
  ];
  for (const { title, assets } of cases) {
    test(title, async ({ page, site }) => {
      await openPage(page, site.isolated);
      const found = await page.evaluate(async (assets) => {
        const { failureOf, modelUrl, runSmall } = window.harness;
        const start = performance.now();
        const failure = await failureOf(window.sardonyx.load(modelUrl('small'), { assets }));
        const ms = performance.now() - start;
        return {
          failure,
          ms,
          after: await runSmall(await window.sardonyx.load(modelUrl('small'))),
        };
      }, assets);
      expect(found.failure?.isSardonyxError).toBe(true);
      expect(found.failure?.scope).toBe('route');
      expect(found.failure?.message).toContain(Object.values(assets)[0]);
      expect(found.ms).toBeLessThan(20_000);
      expect(found.after).toEqual(smallOutput);
    });
  }
});

test('the ESM entries in Node', async ({ site }) => {
  const script = join(import.meta.dirname, 'node/run_small.mjs');
  const model = `${site.plain.url}models/small.onnx`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, model]);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ url: smallOutput, bytes: smallOutput, ort: smallOutput });
});
