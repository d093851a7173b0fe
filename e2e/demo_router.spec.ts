// The panel of the demo page that breaks a session and shows how it recovers.
import type { Page } from '@playwright/test';
import { offlineState } from './demo';
import { expect, test, withoutCalibration } from './site';

const status = (page: Page, name: string) => page.locator(`[data-status=${name}]`);

/** Resolves when what the button began is over. */
async function press(page: Page, id: string): Promise<void> {
  await page.locator(id).click();
  await expect(page.locator(id)).toBeEnabled();
}

const lines = (page: Page) => page.locator('#router-events li');

test.beforeEach(async ({ page, demo }) => {
  await withoutCalibration(page);
  await page.goto(demo.url);
  await offlineState(page);
});

test.afterEach(async ({ page }) => {
  await expect(page.locator('#router-runs')).toHaveText(/^[1-9]\d* answered, 0 failed$/);
  await expect(page.locator('#router-state')).toHaveText('serving');
  await expect(page.locator('#router-answer')).toHaveText(/^S in [\d.]+ ms$/);
  await expect(page.locator('.problem')).toHaveCount(0);
});

test('a swap shows in the strip and in the panel', async ({ page }) => {
  for (const variant of ['fp32', 'int8', 'fp16']) {
    await press(page, `#router-${variant}`);
    await expect(status(page, 'variant')).toHaveText(variant);
    await expect(page.locator('#router-route')).toHaveText(`${variant}-cpu-relaxed`);
    await expect(page.locator('#router-variant')).toHaveText(variant);
    await expect(page.locator('#router-device')).toHaveText('CPU');
    await expect(page.locator('#router-module')).toHaveText(/^relaxed SIMD, [1-9]\d* threads?$/);
    await expect(lines(page).first()).toHaveText(new RegExp(`^swap .* → ${variant}-cpu-relaxed`));
  }
  await expect(page.locator('#router-why')).toContainText('swap() asked for it');
});

test('a crashed worker is replaced, and the run repeated', async ({ page }) => {
  await press(page, '#router-crash');
  await expect(lines(page).first()).toHaveText(/^recover .*ENGINE_TRAP$/);
  const [, from, to] = /recover (\S+) → (\S+):/.exec((await lines(page).first().textContent())!)!;
  expect(to).toBe(from);
});

test('a broken engine and a GPU that is not there are rolled back', async ({ page }) => {
  await press(page, '#router-update');
  await expect(lines(page).first()).toHaveText(/^rollback .*ENGINE_(START|VERSION|TRAP)$/);
  await press(page, '#router-webgpu');
  await expect(lines(page).first()).toHaveText(/^(rollback|refused) /);
  await expect(page.locator('#router-lose')).toBeDisabled();
  await expect(page.locator('#router-no-gpu')).toHaveText(/^No GPU to lose: there is no WebGPU/);
  await expect(page.locator('#router-route')).toHaveText(/cpu/);
});

test('over its budget it goes to the quantized variant', async ({ page }) => {
  await press(page, '#router-slow');
  await expect(lines(page).first()).toHaveText(
    /^swap fp32-cpu-relaxed → int8-cpu-relaxed: .*budget/,
  );
  await expect(lines(page).nth(1)).toHaveText(/^slow each run takes longer/);
  await expect(status(page, 'variant')).toHaveText('int8');
  await expect(page.locator('#router-variant')).toHaveText('int8');
});

test('the keyboard stays on the button that was pressed', async ({ page }) => {
  const button = page.locator('#router-int8');
  await button.focus();
  for (const swaps of [1, 2]) {
    await page.keyboard.press('Enter');
    await expect(lines(page).filter({ hasText: /^swap / })).toHaveCount(swaps);
    await expect(button).toBeEnabled();
    await expect(button).toBeFocused();
  }
});

test('a damaged file is downloaded again', async ({ page }) => {
  await press(page, '#router-fp32');
  await press(page, '#router-damage');
  await expect(lines(page).nth(1)).toHaveText(/^damage one byte/);
  await expect(lines(page).first()).toHaveText(/^load .*downloaded again: the stored copy/);
});
