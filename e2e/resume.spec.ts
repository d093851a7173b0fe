// Downloads that break off and go on from what was right of them. Each test has a browser profile of its
// own.
import type { Page } from '@playwright/test';
import { breakOff, chunkedFile, rangesAsked } from './manifests';
import { expect, openPage, test } from './site';

const { bytes, sha256, chunk } = chunkedFile;
const part = `${sha256}.part`;

/** Loads while the connection breaks; what is left then. */
async function interrupt(page: Page): Promise<{ code: string | undefined; left: number }> {
  rangesAsked.length = 0;
  breakOff.next = true;
  const { failure, stored } = await page.evaluate(async () => {
    const { manifestUrl, stored } = window.harness.storage;
    const failure = await window.harness.failureOf(
      window.sardonyx.load(manifestUrl('chunked'), { force: { device: 'cpu' } }),
    );
    return { failure, stored: await stored() };
  });
  expect(Object.keys(stored)).toEqual([part]);
  return { code: failure?.code, left: stored[part]! };
}

const visit = (page: Page) =>
  page.evaluate(async () => {
    const { manifestUrl, visit, stored } = window.harness.storage;
    return { ...(await visit(manifestUrl('chunked'))), stored: await stored() };
  });

test('a download that breaks off goes on where its chunks are right', async ({ page, site }) => {
  await openPage(page, site.isolated);
  const { code, left } = await interrupt(page);
  expect(code).toBe('NETWORK_FAILED');
  expect(left).toBeGreaterThan(0);
  expect(left % chunk).toBe(0);
  expect(left).toBeLessThanOrEqual(8 * chunk);
  const found = await visit(page);
  expect(found).toMatchObject({ outputs: [1, 0, 1.5, 8], offline: 'ready' });
  expect(found.why).toContain(`resumed after ${left} bytes`);
  expect(found.stored).toEqual({ [sha256]: bytes });
  expect(rangesAsked).toEqual([undefined, `bytes=${left}-`]);
});

test('chunks that have become wrong are asked for again', async ({ page, site }) => {
  await openPage(page, site.isolated);
  const { left } = await interrupt(page);
  await page.evaluate(
    async ({ part, at }) => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('sardonyx');
      const handle = await folder.getFileHandle(part);
      const old = new Uint8Array(await (await handle.getFile()).arrayBuffer());
      old[at]! ^= 1;
      await window.harness.storage.plant(part, old);
    },
    { part, at: chunk + 1 },
  );
  expect(left).toBeGreaterThan(chunk);
  const found = await visit(page);
  expect(found).toMatchObject({ outputs: [1, 0, 1.5, 8], offline: 'ready' });
  expect(found.stored).toEqual({ [sha256]: bytes });
  expect(rangesAsked).toEqual([undefined, `bytes=${chunk}-`]);
});
