// The pictures of the demo page in the README, from build/demo:
//   node docs/images/take_screenshots.mjs
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { serve } from '../../tools/server.mjs';

const desktop = { viewport: { width: 1120, height: 1240 }, deviceScaleFactor: 0.75 };
const phone = { viewport: { width: 360, height: 1020 }, deviceScaleFactor: 1 };
const schemes = { light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' } };

const server = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // With a software GPU, which one has to ask for, to show that it is lost.
  args: ['--no-sandbox', '--enable-unsafe-webgpu'],
});

async function open(look) {
  const page = await browser.newPage(look);
  await page.goto(server.url);
  await page.waitForFunction(() => document.documentElement.dataset.offline === 'ready');
  return page;
}

async function takeTop(name, look) {
  const page = await open(look);
  if (look.viewport.width > 360) await page.getByRole('button', { name: 'Draw R' }).click();
  // Noise makes large files.
  await page.getByLabel('Before and after').fill('25');
  await page.waitForTimeout(1500);
  await page.evaluate(() => {
    document.activeElement.blur();
    window.scrollTo({ top: 0, behavior: 'instant' });
  });
  await page.screenshot({ path: join(import.meta.dirname, `${name}.png`) });
  await page.close();
}

async function takeRouter(name, look) {
  const page = await open(look);
  for (const id of ['crash', 'lose', 'slow']) {
    const button = page.locator(`#router-${id}`);
    await button.click();
    await button.and(page.locator('[aria-disabled=false]')).waitFor();
  }
  await page.mouse.move(0, 0);
  await page.locator('#router').screenshot({ path: join(import.meta.dirname, `${name}.png`) });
  await page.close();
}

for (const [name, scheme] of Object.entries(schemes)) {
  await takeTop(`demo_${name}`, { ...desktop, ...scheme });
  await takeRouter(`router_${name}`, { ...desktop, ...scheme });
}
await takeTop('demo_phone', { ...phone, ...schemes.light });
await browser.close();
await server.close();
