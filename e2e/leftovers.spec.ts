// What downloads that broke off left behind, and nobody goes on with. Each test has a browser profile of its own.
import type { Page } from '@playwright/test';
import { chunkedFile, smallFile } from './manifests';
import { expect, openPage, test } from './site';

const WEEK_MS = 7 * 24 * 3600 * 1000;
const partOf = (digit: string): string => `${digit.repeat(64)}.part`;
const [idle, busy] = [partOf('1'), partOf('2')];
const foreign = 'of-another.part';

const plant = (page: Page, names: readonly string[], bytes: number): Promise<unknown> =>
  page.evaluate(
    ([names, bytes]) =>
      Promise.all(
        names.map((name) => window.harness.storage.plant(name, new Uint8Array(bytes).fill(1))),
      ),
    [names, bytes] as const,
  );

const visit = (page: Page, name: string): Promise<{ offline: string; stored: string[] }> =>
  page.evaluate(async (name) => {
    const { manifestUrl, visit, stored } = window.harness.storage;
    const { offline } = await visit(manifestUrl(name));
    return { offline, stored: Object.keys(await stored()).sort() };
  }, name);

/** As a tab that writes the file. */
const lock = (page: Page, sha256: string): Promise<void> =>
  page.evaluate(
    (name) =>
      new Promise<void>((held) => {
        void navigator.locks.request(name, () => {
          held();
          return new Promise(() => undefined);
        });
      }),
    `sardonyx:${sha256}`,
  );

test('parts that nobody has written to for a week are removed', async ({ page, context, site }) => {
  await openPage(page, site.isolated);
  await plant(page, [idle, busy, foreign], 100);
  await lock(page, '2'.repeat(64));
  expect(await visit(page, 'right')).toEqual({
    offline: 'ready',
    stored: [idle, busy, foreign, smallFile.sha256].sort(),
  });
  const later = await context.newPage();
  await later.addInitScript((ms) => {
    const now = Date.now.bind(Date);
    Date.now = () => now() + ms;
  }, WEEK_MS);
  await openPage(later, site.isolated);
  expect(await visit(later, 'right')).toEqual({
    offline: 'ready',
    stored: [busy, foreign, smallFile.sha256].sort(),
  });
});

test('a part gives its room to a download that has none', async ({ page, context, site }) => {
  await openPage(page, site.isolated);
  const bytes = 8 * chunkedFile.bytes;
  await plant(page, [idle, busy], bytes);
  await lock(page, '2'.repeat(64));
  const { usage = 0 } = await page.evaluate(() => navigator.storage.estimate());
  expect(usage).toBeGreaterThanOrEqual(2 * bytes);
  const origin = site.isolated.url.slice(0, -1);
  const cdp = await context.newCDPSession(page);
  const quotaSize = usage + chunkedFile.bytes / 2;
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize });
  expect(await visit(page, 'chunked')).toEqual({
    offline: 'ready',
    stored: [busy, chunkedFile.sha256].sort(),
  });
});
