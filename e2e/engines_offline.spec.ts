// One visit to the demo in each browser engine, then no server: a reload and a second tab still work.
import { join } from 'node:path';
import { serve } from '../tools/server.mjs';
import { engines } from './engines/browsers';
import { Visitor } from './engines/visitor';
import type { Tab, Visit } from './page/offline_visit';
import { answerCode, answerPage, expect, test } from './site';

const built = join(import.meta.dirname, '../build/demo');

let visitor: Visitor | undefined;
test.afterEach(() => visitor?.close());

for (const engine of engines) {
  test(`${engine.name}: one visit, then no server`, async ({ browser, site }) => {
    // Above what its steps may take, so that the step that does not end is named.
    test.setTimeout(600_000);
    const app = await serve({
      mounts: [
        ['/page/', answerPage],
        ['/harness/', answerCode],
        ['/', built],
      ],
    });
    visitor = await Visitor.start(engine, {
      url: `${app.url}page/offline_visit`,
      reports: site.plain,
      chromium: browser,
    });
    try {
      const first = await visitor.result<Visit>('first visit');
      expect(first).toEqual({ offline: 'ready', notices: '' });
    } finally {
      await app.close();
    }
    await visitor.result('the server is gone');
    for (const [step, letter] of Object.entries({ reloaded: 'X', 'second tab': 'D' })) {
      const tab = await visitor.result<Tab>(step);
      expect(tab).toMatchObject({ isolated: true, offline: 'ready', read: letter, problems: '' });
      expect(tab.denoised).toBeGreaterThan(tab.noisy + 5);
      expect(tab.status).toMatchObject({ device: 'CPU', variant: 'int8' });
      if (engine.threads) expect(Number(tab.status.threads)).toBeGreaterThan(1);
    }
    expect(await visitor.result<boolean>('the server is still gone')).toBe(true);
  });
}
