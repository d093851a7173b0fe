// What the tests of the demo page share.
import { expect, type Page } from '@playwright/test';
import { modelBytes } from './models';

interface UploadedFile {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

export const onnxFile = (name: string, bytes: Uint8Array | undefined): UploadedFile => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(bytes ?? new Uint8Array()),
});

/** Resolves when the page has said that it works without a network, or that it does not. */
export async function offlineState(page: Page): Promise<string | undefined> {
  await page.waitForFunction(() => document.documentElement.dataset.offline !== 'pending');
  return page.evaluate(() => document.documentElement.dataset.offline);
}

/** The pad's place in the window, in which all of it is then. */
export async function padBox(
  page: Page,
): Promise<{ x: number; y: number; width: number; height: number }> {
  const pad = page.locator('#draw-pad');
  await pad.evaluate((canvas) => canvas.scrollIntoView({ block: 'center', behavior: 'instant' }));
  const box = await pad.boundingBox();
  if (!box) throw new Error('there is no pad');
  return box;
}

/** Draws an upright stroke with the mouse, from the top guide line to the other. */
export async function drawOne(page: Page): Promise<void> {
  const box = await padBox(page);
  const at = (x: number, y: number): [number, number] => [
    box.x + x * box.width,
    box.y + y * box.height,
  ];
  await page.mouse.move(...at(0.5, 0.18));
  await page.mouse.down();
  await page.mouse.move(...at(0.5, 0.5), { steps: 4 });
  await page.mouse.move(...at(0.5, 0.82), { steps: 4 });
  await page.mouse.up();
}

/** That each panel answers: a drawing, a picture, a model from a file. */
export async function expectEverythingWorks(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(page.locator('#draw-answer')).toHaveText('');
  await drawOne(page);
  await expect(page.locator('#draw-answer')).toHaveText(/^[1I]$/);

  await page.locator('#denoise-noise').fill('30');
  await expect(page.locator('#denoise-state')).toHaveText('Done.');
  await expect(page.locator('#denoise-psnr-after')).toHaveText(/dB/);

  await page.locator('#own-file').setInputFiles(onnxFile('two.onnx', modelBytes('two-outputs')));
  await page.getByRole('button', { name: 'Run' }).click();
  await expect(page.locator('#own-timing')).toHaveText(/median of 8/);
  await expect(page.locator('.problem')).toHaveCount(0);
}
