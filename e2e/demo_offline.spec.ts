// The demo page without a network, on plain hosts, with what browsers may refuse; and its new versions.
import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from '@playwright/test';
import { serve, type Mount, type Server } from '../tools/server.mjs';
import { expectEverythingWorks, offlineState } from './demo';
import { expect, test as base } from './site';

const root = join(import.meta.dirname, '..');
const built = join(root, 'build/demo');

/** A server of the test's own, so that it can be stopped. */
const test = base.extend<{ host: (options?: Parameters<typeof serve>[0]) => Promise<Server> }>({
  // eslint-disable-next-line no-empty-pattern
  host: async ({}, use) => {
    const servers: Server[] = [];
    await use(async (options) => {
      const server = await serve({ mounts: [['/', built]], ...options });
      servers.push(server);
      return server;
    });
    await Promise.all(servers.map((server) => server.close().catch(() => undefined)));
  },
});

const isolated = (page: Page): Promise<boolean> => page.evaluate(() => crossOriginIsolated);

test('one visit, then no server: everything works, in a second tab too', async ({
  page,
  context,
  host,
}) => {
  const server = await host();
  const ready = page.addInitScript(() => {
    addEventListener('offline-ready', () => (document.title = 'offline-ready was sent'));
  });
  await ready;
  await page.goto(server.url);
  expect(await offlineState(page)).toBe('ready');
  await expect(page).toHaveTitle('offline-ready was sent');
  await expect(page.locator('[data-status=offline]')).toHaveText('ready');
  await expect(page.locator('[data-status=stored]')).toHaveText(/kB|MB/);
  await expect(page.locator('#notices')).toBeEmpty();

  await server.close();
  await page.reload();
  await expect(page.locator('#draw-answer')).toHaveText('S');
  await expectEverythingWorks(page);
  expect(await isolated(page)).toBe(true);
  expect(await offlineState(page)).toBe('ready');

  const second = await context.newPage();
  await second.goto(server.url);
  await expect(second.locator('#draw-answer')).toHaveText('S');
  await expectEverythingWorks(second);
});

test('first answer within 1.0 MB, everything within 3 MB', async ({ page, host }) => {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  // What comes after the first answer waits until its bytes have been read off.
  const wait: Mount = [
    '/sw.js',
    async () => {
      await gate;
      return undefined;
    },
  ];
  const server = await host({ mounts: [wait, ['/', built]] });
  const start = Date.now();
  await page.goto(server.url);
  await page.waitForFunction(() => performance.getEntriesByName('first-answer').length > 0);
  const first = server.bytesSent();
  const answered = await page.evaluate(
    () => performance.getEntriesByName('first-answer')[0]?.startTime ?? 0,
  );
  open();
  expect(await offlineState(page)).toBe('ready');
  const all = server.bytesSent();
  const readyAfter = Date.now() - start;
  await page.reload();
  await page.waitForFunction(() => performance.getEntriesByName('first-answer').length > 0);
  const again = await page.evaluate(
    () => performance.getEntriesByName('first-answer')[0]?.startTime ?? 0,
  );
  console.log(
    `first answer: ${first} bytes, ${Math.round(answered)} ms (again: ${Math.round(again)} ms); ` +
      `offline-ready: ${all} bytes, ${readyAfter} ms`,
  );
  expect(first).toBeLessThanOrEqual(1.0e6);
  expect(all).toBeLessThanOrEqual(3e6);
});

test.describe('a host that sends no headers', () => {
  test('becomes isolated by one reload', async ({ page, host }) => {
    const server = await host({ isolated: false });
    let loads = 0;
    page.on('load', () => loads++);
    await page.goto(server.url);
    await expect.poll(() => isolated(page).catch(() => false)).toBe(true);
    expect(await offlineState(page)).toBe('ready');
    expect(loads).toBe(2);
    await expect.poll(() => page.locator('[data-status=threads]').innerText()).not.toBe('1');
  });

  test('is reloaded once and not again where that does not help', async ({ page, host }) => {
    const server = await host({ isolated: false });
    await page.addInitScript(() => {
      Object.defineProperty(globalThis, 'crossOriginIsolated', { value: false });
    });
    let loads = 0;
    page.on('load', () => loads++);
    await page.goto(server.url);
    await expect.poll(() => loads).toBe(2);
    await expect(page.locator('#notices')).toContainText('One thread only.');
    expect(await offlineState(page)).toBe('ready');
    expect(loads).toBe(2);
  });

  test('is not reloaded under the hands of someone who draws', async ({ page, host }) => {
    const server = await host({ isolated: false });
    let loads = 0;
    page.on('load', () => loads++);
    await page.goto(server.url);
    await page.locator('#draw-pad').click();
    expect(await offlineState(page)).toBe('ready');
    expect(loads).toBe(1);
    await page.reload();
    await expect.poll(() => isolated(page)).toBe(true);
  });
});

test.describe('no service worker', () => {
  test.use({ serviceWorkers: 'block' });

  test('works online and says what is missing', async ({ page, host }) => {
    await page.goto((await host()).url);
    expect(await offlineState(page)).toBe('failed');
    await expect(page.locator('#notices')).toContainText('This page works online only.');
    await expect(page.locator('#notices')).toContainText('service worker');
    await expect(page.locator('[data-status=offline]')).toHaveText('no');
    await expectEverythingWorks(page);
  });
});

test('a browser without service workers', async ({ page, host }) => {
  await page.addInitScript(() => {
    Reflect.deleteProperty(Navigator.prototype, 'serviceWorker');
  });
  await page.goto((await host()).url);
  expect(await offlineState(page)).toBe('failed');
  await expect(page.locator('#notices')).toContainText('no service worker');
  await expectEverythingWorks(page);
});

test('http, not on localhost: works online and says what is missing', async ({ page, host }) => {
  const { port } = await host();
  await page.goto(`http://sardonyx.example:${port}/`);
  expect(await offlineState(page)).toBe('failed');
  await expect(page.locator('#notices')).toContainText('only over https');
  await expectEverythingWorks(page);
});

test('a full disk: works online and says so', async ({ page, host }) => {
  const server = await host();
  const client = await page.context().newCDPSession(page);
  const origin = server.url.slice(0, -1);
  await client.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 20_000 });
  await page.goto(server.url);
  expect(await offlineState(page)).toBe('failed');
  await expect(page.locator('#notices')).toContainText('This page works online only.');
  await expect(page.locator('#notices')).toContainText('could not be kept');
  await expectEverythingWorks(page);
});

test('storage that refuses: works online and says so', async ({ page, host }) => {
  await page.addInitScript(() => {
    StorageManager.prototype.getDirectory = () =>
      Promise.reject(new DOMException('refused for the test', 'SecurityError'));
  });
  await page.goto((await host()).url);
  expect(await offlineState(page)).toBe('failed');
  await expect(page.locator('#notices')).toContainText('This page works online only.');
  await expect(page.locator('#notices')).toContainText('The models can not be kept');
  await expect(page.locator('[data-status=stored]')).toHaveText('none');
  await expectEverythingWorks(page);
});

test.describe('a new version', () => {
  let folder: string;
  let next: string;

  test.beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sardonyx-demo-'));
    next = join(folder, 'demo');
    const library = join(folder, 'dist');
    cpSync(join(root, 'dist'), library, { recursive: true });
    appendFileSync(join(library, 'worker.js'), '\n// Another version.\n');
    const build = join(root, 'web/demo/build.mjs');
    await promisify(execFile)(process.execPath, [build, `--out=${next}`], {
      env: { ...process.env, SARDONYX_DIST: library },
    });
  });
  test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const buildOf = (page: Page) =>
    page.evaluate(() => document.querySelector<HTMLMetaElement>('meta[name=build]')?.content);
  const caches = (page: Page): Promise<string[]> =>
    page.evaluate(async () =>
      (await window.caches.keys()).filter((name) => name.startsWith('sardonyx-demo-')),
    );

  test('is offered, comes when asked for, and leaves other tabs their files', async ({
    page,
    context,
    host,
  }) => {
    const files: Mount[] = [['/', built]];
    const server = await host({ mounts: files });
    await page.goto(server.url);
    expect(await offlineState(page)).toBe('ready');
    const old = await buildOf(page);
    const other = await context.newPage();
    await other.goto(server.url);
    await expect(other.locator('#draw-answer')).toHaveText('S');
    await expect(page.locator('#update')).toBeHidden();

    files[0] = ['/', next];
    await page.reload();
    await expect(page.locator('#update')).toBeVisible();
    expect(await buildOf(page)).toBe(old);
    // Visits of the old build leave the waiting one its files.
    await page.reload();
    expect(await offlineState(page)).toBe('ready');
    await expect(page.locator('#update')).toBeVisible();
    expect(await caches(page)).toHaveLength(2);
    await page.getByRole('button', { name: 'Reload' }).click();
    await expect.poll(() => buildOf(page).catch(() => old)).not.toBe(old);
    await expect(page.locator('#draw-answer')).toHaveText('S');
    await expect(page.locator('#update')).toBeHidden();

    // The other tab still has the old build's page and gets its worker script from the old cache.
    await expect(other.locator('#update')).toBeVisible();
    expect(await caches(page)).toHaveLength(2);
    await expectEverythingWorks(other);
    await other.close();
    await page.reload();
    await expect.poll(() => caches(page)).toEqual([`sardonyx-demo-${await buildOf(page)}`]);
    await expectEverythingWorks(page);

    await server.close();
    await page.reload();
    await expect(page.locator('#draw-answer')).toHaveText('S');
    await expectEverythingWorks(page);
  });
});
