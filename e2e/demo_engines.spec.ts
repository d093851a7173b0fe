// The demo page in the other browser engines: one visit, then no server.
import { join } from 'node:path';
import { serve, type Mount } from '../tools/server.mjs';
import { engines } from './engines/browsers';
import { Inbox } from './engines/reports';
import type { DemoAnswers, DemoState } from './page/demo_driver';
import { bundle, expect, test } from './site';

const STEP_MS = 90_000;

const driver: Mount[] = [
  [
    '/driver/page',
    () => ({
      body: '<!doctype html><title>driver</title><body><script type="module" src="/driver/code.js"></script>',
      type: 'text/html',
    }),
  ],
  ['/driver/code.js', async () => ({ body: await bundle('demo_driver'), type: 'text/javascript' })],
  ['/alive', () => ({ body: 'yes' })],
];

for (const engine of engines.filter(({ name }) => name !== 'Chromium')) {
  test(`${engine.name}: works with the server stopped`, async ({ browser: chromium, site }) => {
    const server = await serve({
      mounts: [...driver, ['/', join(import.meta.dirname, '../build/demo')]],
    });
    const inbox = new Inbox();
    const reports = `${site.plain.url}report/${inbox.run}`;
    const url = `${server.url}driver/page?${new URLSearchParams({ reports })}`;
    const browser = await engine.open(url, chromium);
    try {
      const visit = await inbox.result<DemoState>('visit', STEP_MS);
      expect(visit).toMatchObject({ offline: 'ready', notices: '' });
      await server.close();
      const found = await inbox.result<DemoState & DemoAnswers>('reload', STEP_MS);
      expect(found).toMatchObject({ glyph: 'R', problems: '', isolated: true });
      expect(found.psnr.after).toBeGreaterThan(found.psnr.before + 5);
    } catch (error) {
      throw new Error(`${String(error)}\n${browser.log()}`);
    } finally {
      inbox.close();
      await browser.close();
      await server.close().catch(() => undefined);
    }
  });
}
