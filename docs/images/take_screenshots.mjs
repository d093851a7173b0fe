// The pictures of the demo page in the README, from build/demo:
//   node docs/images/take_screenshots.mjs
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { serve } from '../../tools/server.mjs';

const desktop = { viewport: { width: 1120, height: 1240 }, deviceScaleFactor: 0.75 };
const phone = { viewport: { width: 360, height: 1020 }, deviceScaleFactor: 1 };
const pictures = {
  demo_light: { ...desktop, colorScheme: 'light' },
  demo_dark: { ...desktop, colorScheme: 'dark' },
  demo_phone: { ...phone, colorScheme: 'light' },
};

const server = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
for (const [name, look] of Object.entries(pictures)) {
  const page = await browser.newPage(look);
  await page.goto(server.url);
  await page.waitForFunction(() => document.documentElement.dataset.offline === 'ready');
  if (look.viewport.width > 360) await page.getByRole('button', { name: 'Draw R' }).click();
  // Noise makes large files.
  await page.getByLabel('Before and after').fill('25');
  await page.evaluate(() => {
    document.activeElement.blur();
    window.scrollTo(0, 0);
  });
  await page.waitForTimeout(1500);
  await page.screenshot({ path: join(import.meta.dirname, `${name}.png`) });
}
await browser.close();
await server.close();
