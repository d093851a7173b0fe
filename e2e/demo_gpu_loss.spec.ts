// The demo page's engine on a GPU that is taken away.
import { offlineState } from './demo';
import { expect, test } from './site';
import { webgpuBrowser } from './webgpu_browser';

test.use({ launchOptions: webgpuBrowser });

test('a lost GPU leaves the CPU, which goes on answering', async ({ page, demo }) => {
  await page.goto(demo.url);
  await offlineState(page);
  const route = page.locator('#router-route');
  const press = async (id: string) => {
    await page.locator(id).click();
    await expect(page.locator(id)).toBeEnabled();
  };
  await press('#router-webgpu');
  await expect(route).toHaveText(/-webgpu-/);
  await expect(page.locator('#router-device')).toHaveText('WebGPU');
  // It would come back by itself.
  await page.evaluate(() => {
    navigator.gpu.requestAdapter = () => Promise.resolve(null);
  });
  await press('#router-lose');
  await expect(page.locator('#router-events li').first()).toHaveText(
    /^degrade \S+-webgpu-\S+ → \S+-cpu-\S+: .*lost/,
  );
  await expect(route).toHaveText(/-cpu-/);
  await expect(page.locator('#router-device')).toHaveText('CPU');
  await page.evaluate(() => Reflect.deleteProperty(navigator.gpu, 'requestAdapter'));
  await press('#router-webgpu');
  await expect(route).toHaveText(/-webgpu-/);
  await expect(page.locator('#router-no-gpu')).toBeHidden();
  await expect(page.locator('#router-runs')).toHaveText(/^[1-9]\d* answered, 0 failed$/);
  await expect(page.locator('#router-answer')).toHaveText(/^S in [\d.]+ ms$/);
  await expect(page.locator('.problem')).toHaveCount(0);
});
