// The demo page for eyes, fingers, keyboards and screen readers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Page } from '@playwright/test';
import { onnxFile, offlineState } from './demo';
import { modelBytes } from './models';
import { expect, test } from './site';

const axe = readFileSync(join(import.meta.dirname, '../node_modules/axe-core/axe.min.js'), 'utf8');

const looks = {
  light: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
  'light phone': { viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  'dark phone': { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
} as const;

/** With everything that the page can show. */
async function fillPage(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await offlineState(page);
  await page
    .locator('#own-file')
    .setInputFiles(onnxFile('kinds.onnx', modelBytes('all-of-a-kind')));
  await page.locator('#own-profile').click();
  await expect(page.locator('.time-bars')).toHaveCount(2);
  await page.locator('#router-update').click();
  await expect(page.locator('#router-events')).toContainText('rollback');
  await page.evaluate(() => {
    for (const id of ['update', 'denoise-loading']) {
      document.getElementById(id)!.hidden = false;
    }
    document.getElementById('notices')!.innerHTML = '<p><strong>Title.</strong> Text.</p>';
  });
}

for (const [name, look] of Object.entries(looks)) {
  test.describe(name, () => {
    test.use(look);

    test('axe finds nothing', async ({ page, demo }) => {
      await fillPage(page, demo.url);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() =>
        (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
      );
      const found = violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
      expect(found).toEqual([]);
    });

    test('nothing is wider than the window', async ({ page, demo }) => {
      await fillPage(page, demo.url);
      const { width } = look.viewport;
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      const beyond = await page.evaluate(
        (width) =>
          [...document.querySelectorAll('main *, footer *')]
            .filter((e) => !e.closest('.table, .visually-hidden, .bar'))
            .filter((e) => e.getBoundingClientRect().right > width + 1)
            .map((e) => e.outerHTML.slice(0, 80)),
        width,
      );
      expect(beyond).toEqual([]);
    });
  });
}

test('the keyboard reaches everything, and one sees where it is', async ({ page, demo }) => {
  await page.goto(demo.url);
  await offlineState(page);
  await page.locator('#own-file').setInputFiles(onnxFile('two.onnx', modelBytes('two-outputs')));
  await expect(page.locator('#own-report')).toBeVisible();
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  const reached: string[] = [];
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(() => {
      const focused = document.activeElement;
      if (!focused || focused === document.body) return undefined;
      const shown = focused.closest('.button, .drop, .compare') ?? focused;
      return {
        name: focused.id === '' ? focused.getAttribute('aria-label') : focused.id,
        outlined: getComputedStyle(shown).outlineStyle !== 'none',
      };
    });
    if (!found) break;
    expect(found).toEqual({ name: found.name, outlined: true });
    reached.push(found.name ?? '');
  }
  expect(reached).toEqual([
    'draw-pad',
    'draw-undo',
    'draw-clear',
    ...Array.from('SARDONYX', (letter) => `Draw ${letter}`),
    'Before and after',
    'denoise-noise',
    'denoise-file',
    'denoise-sample',
    'own-file',
    ...reached.filter((name) => name.startsWith('Values for')),
    'own-run',
    'own-profile',
    ...['fp32', 'fp16', 'int8', 'webgpu'].map((to) => `router-${to}`),
    ...['crash', 'update', 'slow', 'damage'].map((how) => `router-${how}`),
  ]);
});

test.describe('reduced motion', () => {
  test.use({ contextOptions: { reducedMotion: 'reduce' } });

  test('samples are there at once', async ({ page, demo }) => {
    await page.goto(demo.url);
    await expect(page.locator('#draw-answer')).toHaveText('S');
    const changes = await page.evaluate(() => {
      let count = 0;
      const pad = document.getElementById('draw-pad') as HTMLCanvasElement;
      const context = pad.getContext('2d')!;
      context.clearRect = (...area) => {
        count++;
        CanvasRenderingContext2D.prototype.clearRect.apply(context, area);
      };
      document.querySelector<HTMLButtonElement>('[aria-label="Draw X"]')?.click();
      return new Promise<number>((resolve) => setTimeout(() => resolve(count), 300));
    });
    expect(changes).toBe(2);
    await expect(page.locator('#draw-answer')).toHaveText('X');
  });
});
