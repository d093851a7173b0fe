// The demo page as it is served.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { readTensor } from '../tools/onnx/tensor.mjs';
import { haveShared, noShared, shared } from './golden';
import { badModels, modelBytes } from './models';
import { expect, test } from './site';

const onnx = (
  name: string,
  bytes: Uint8Array,
): { name: string; mimeType: string; buffer: Buffer } => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(bytes),
});

let problems: string[];

test.beforeEach(async ({ page, demo }) => {
  problems = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(demo.url);
});

test.afterEach(() => {
  expect(problems).toEqual([]);
});

/** Mean brightness of the output canvas, 0…255. */
const brightness = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const canvas = document.getElementById('filters-output') as HTMLCanvasElement;
    const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? {};
    return data
      ? data.reduce((sum, v, i) => (i % 4 === 3 ? sum : sum + v), 0) / (0.75 * data.length)
      : 0;
  });

test('shows a real run at once', async ({ page }) => {
  await expect(page.locator('#filters-timing')).toHaveText(/480 × 360 in [\d.]+ ms/);
  await expect(page.locator('[data-status=device]')).toHaveText('CPU');
  await expect(page.locator('[data-status=module]')).toHaveText('relaxed SIMD');
  await expect(page.locator('[data-status=isolated]')).toHaveText('yes');
  await expect(page.locator('[data-status=p95]')).toHaveText(/[\d.]+ ms/);
  const edges = await brightness(page);
  expect(edges).toBeGreaterThan(2);
  expect(edges).toBeLessThan(100);
  await page.getByText('Blur', { exact: true }).click();
  await expect.poll(() => brightness(page)).toBeGreaterThan(80);
  await expect(page.locator('.problem')).toHaveCount(0);
});

test('animates, and stops', async ({ page }) => {
  await expect(page.locator('#filters-timing')).toHaveText(/ in /);
  const button = page.getByRole('button', { name: 'Animate' });
  await button.click();
  await expect(button).toHaveAttribute('aria-pressed', 'true');
  const first = await brightness(page);
  await expect.poll(() => brightness(page)).not.toBe(first);
  await button.click();
  await expect(button).toHaveAttribute('aria-pressed', 'false');
});

test('opens a model, runs it, refuses a wrong one, opens another', async ({ page }) => {
  const input = page.locator('#own-file');
  await input.setInputFiles(onnx('two.onnx', modelBytes('two-outputs') ?? new Uint8Array()));
  const report = page.locator('#own-report');
  await expect(report).toContainText('two.onnx');
  await expect(report).toContainText('opset ai.onnx 13');
  await expect(report).toContainText('2 nodes');
  await expect(report.locator('.chips')).toHaveText(/Mul\s*1\s*Relu\s*1/);
  await page.getByRole('button', { name: 'Run' }).click();
  await expect(page.locator('#own-timing')).toHaveText(/first run .* \(median of 8\)/);
  await expect(report.locator('tr', { hasText: 'product' })).toContainText('mean');

  await input.setInputFiles(
    onnx('odd.onnx', badModels['unknown operator']?.bytes() ?? new Uint8Array()),
  );
  const problem = page.locator('#own-problem .problem');
  await expect(problem).toContainText('OPERATOR_UNSUPPORTED');
  await expect(problem).toContainText('Frobnicate');
  await expect(report).toBeHidden();

  await input.setInputFiles(onnx('kinds.onnx', modelBytes('all-of-a-kind') ?? new Uint8Array()));
  await expect(problem).toHaveCount(0);
  await page.getByLabel('n: count').fill('5');
  await expect(page.getByLabel('b: count')).toHaveValue('5');
  await page.getByRole('button', { name: 'Run' }).click();
  await expect(report.locator('#own-outputs tr', { hasText: 'int64' })).toContainText('5');
});

test('takes a model dropped on the page', async ({ page }) => {
  const bytes = Array.from(modelBytes('small') ?? []);
  await page.evaluate((bytes) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([Uint8Array.from(bytes)], 'dropped.onnx'));
    for (const type of ['dragover', 'drop']) {
      document.body.dispatchEvent(
        new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }),
      );
    }
  }, bytes);
  await expect(page.locator('#own-report')).toContainText('dropped.onnx');
});

test('finds the faces of a picture', async ({ page }) => {
  test.skip(!haveShared, noShared);
  const golden = join(shared, 'golden/ultraface_rfb320/test_data_set_1/input_0.pb');
  test.skip(!existsSync(golden), noShared);
  await page.locator('#faces-picture').setInputFiles({
    name: 'faces.png',
    mimeType: 'image/png',
    buffer: Buffer.from(await pngOf(page, golden), 'base64'),
  });
  await expect(page.locator('#faces-result')).toHaveText(/^[1-9]\d* faces? in [\d.]+ ms$/);
});

test('looks through the camera', async ({ page }) => {
  test.skip(!haveShared, noShared);
  const button = page.getByRole('button', { name: 'Use the camera' });
  await button.click();
  const result = page.locator('#faces-result');
  await expect(result).toHaveText(/faces? in [\d.]+ ms/);
  await expect(button).toHaveAttribute('aria-pressed', 'true');
  await button.click();
  await expect(button).toHaveAttribute('aria-pressed', 'false');
  await expect(page.locator('#faces-problem .problem')).toHaveCount(0);
});

/** The reference input (RGB − 127) / 128 as a picture, base64. */
function pngOf(page: Page, file: string): Promise<string> {
  const values = Array.from(readTensor(file).data as unknown as ArrayLike<number>);
  return page.evaluate((values) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 });
    const picture = new ImageData(320, 240);
    for (let i = 0; i < 320 * 240; i++) {
      for (let c = 0; c < 3; c++)
        picture.data[4 * i + c] = (values[c * 76800 + i] ?? 0) * 128 + 127;
      picture.data[4 * i + 3] = 255;
    }
    canvas.getContext('2d')?.putImageData(picture, 0, 0);
    return canvas.toDataURL('image/png').split(',')[1] ?? '';
  }, values);
}

test('fits a phone and works by keyboard', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page
    .locator('#own-file')
    .setInputFiles(onnx('two.onnx', modelBytes('two-outputs') ?? new Uint8Array()));
  await expect(page.locator('#own-report')).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  const reached = new Set<string>();
  for (let i = 0; i < 14; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement?.id ?? ''));
  }
  for (const id of ['filters-animate', 'filters-file', 'own-file', 'own-run']) {
    expect([...reached]).toContain(id);
  }
});
