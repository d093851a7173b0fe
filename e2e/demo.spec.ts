// The panels of the demo page, as it is served.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { drawOne, onnxFile, padBox } from './demo';
import type * as library from '../web/index';
import { badModels, modelBytes } from './models';
import { expect, test } from './site';

type Library = typeof library;
type Trace = library.Trace;

let problems: string[];

test.beforeEach(async ({ page, demo }) => {
  problems = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(demo.url);
});

test.afterEach(() => {
  expect(problems).toEqual([]);
});

const status = (page: Page, name: string) => page.locator(`[data-status=${name}]`);

test('answers at once, and says what computes', async ({ page }) => {
  await expect(page.locator('#draw-answer')).toHaveText('S');
  await expect(page.locator('#draw-bars li')).toHaveCount(5);
  await expect(page.locator('#draw-bars li').first()).toHaveText(/^S\s*\d+ %$/);
  await expect(status(page, 'device')).toHaveText('CPU');
  await expect(status(page, 'module')).toHaveText('relaxed');
  await expect(status(page, 'variant')).toHaveText(/int8|fp16|fp32/);
  await expect(status(page, 'precision')).toHaveText(/int8|fp16|fp32/);
  await expect(status(page, 'p95')).toHaveText(/[\d.]+ ms/);
});

test.describe('draw', () => {
  test('reads along with the mouse, merges look-alikes, undoes and clears', async ({ page }) => {
    const answer = page.locator('#draw-answer');
    await expect(answer).toHaveText('S');
    await page.getByRole('button', { name: 'Clear' }).click();
    await expect(answer).toHaveText('');
    await expect(page.locator('#draw-timing')).toHaveText(/Draw a digit/);
    await drawOne(page);
    await expect(answer).toHaveText(/^[1I]$/);
    await expect(page.locator('#draw-bars li').first()).toHaveText(/^(1 or I|I or 1)\s*9\d %$/);
    await expect(page.locator('#draw-spoken')).toHaveText(/^(1 or I|I or 1), 9\d %$/);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect(answer).toHaveText('');
  });

  test('answers before the stroke has ended', async ({ page }) => {
    await expect(page.locator('#draw-answer')).toHaveText('S');
    await page.getByRole('button', { name: 'Clear' }).click();
    const box = await padBox(page);
    await page.mouse.move(box.x + 0.5 * box.width, box.y + 0.2 * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.5 * box.width, box.y + 0.8 * box.height, { steps: 5 });
    await expect(page.locator('#draw-answer')).toHaveText(/^[1I]$/);
    await page.mouse.up();
  });

  test('draws by touch', async ({ page }) => {
    await expect(page.locator('#draw-answer')).toHaveText('S');
    await page.getByRole('button', { name: 'Clear' }).click();
    const box = await padBox(page);
    const client = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', y: number) =>
      client.send('Input.dispatchTouchEvent', {
        type,
        touchPoints:
          type === 'touchEnd'
            ? []
            : [{ x: box.x + 0.5 * box.width, y: box.y + y * box.height, force: 1 }],
      });
    await touch('touchStart', 0.2);
    for (const y of [0.35, 0.5, 0.65, 0.8]) await touch('touchMove', y);
    await touch('touchEnd', 0);
    await expect(page.locator('#draw-answer')).toHaveText(/^[1I]$/);
  });

  for (const letter of 'SARDONYX') {
    test(`has ${letter} drawn and reads it`, async ({ page }) => {
      await expect(page.locator('#draw-answer')).toHaveText('S');
      await page.getByRole('button', { name: `Draw ${letter}`, exact: true }).click();
      await expect(page.locator('#draw-spoken')).toHaveText(
        new RegExp(letter === 'O' ? '^(O or 0|0 or O), ' : `^${letter}, `),
      );
    });
  }

  test('works by keyboard', async ({ page }) => {
    await expect(page.locator('#draw-answer')).toHaveText('S');
    await page.locator('#draw-pad').focus();
    await page.keyboard.press('Escape');
    await expect(page.locator('#draw-answer')).toHaveText('');
    for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Space');
    for (let i = 0; i < 16; i++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await expect(page.locator('#draw-spoken')).toHaveText(/1 or I|I or 1/);
    await page.keyboard.press('Backspace');
    await expect(page.locator('#draw-answer')).toHaveText('');
  });
});

test.describe('denoise', () => {
  const decibels = async (page: Page, which: string): Promise<number> =>
    parseFloat(await page.locator(`#denoise-psnr-${which}`).innerText());

  test('cleans the sample; more noise is asked for', async ({ page }) => {
    await expect(page.locator('#denoise-state')).toHaveText('Done.');
    await expect(status(page, 'model')).toHaveText('denoise');
    await expect(page.locator('#denoise-pixels')).toHaveText('640 × 480');
    const before = await decibels(page, 'before');
    expect(before).toBeGreaterThan(19);
    expect(before).toBeLessThan(22);
    expect(await decibels(page, 'after')).toBeGreaterThan(before + 5);
    await page.locator('#denoise-noise').fill('50');
    await expect(page.locator('#denoise-noise-value')).toHaveText('σ 50 of 255');
    await expect.poll(() => decibels(page, 'before')).toBeLessThan(17);
    await expect(page.locator('#denoise-state')).toHaveText('Done.');
    expect(await decibels(page, 'after')).toBeGreaterThan((await decibels(page, 'before')) + 5);
  });

  test('tiles meet without a seam: the same as in one run', async ({ page }) => {
    await expect(page.locator('#denoise-state')).toHaveText('Done.');
    const variant = await status(page, 'variant').innerText();
    const difference = await page.evaluate(async (variant) => {
      const [before, after] = document.querySelectorAll<HTMLCanvasElement>('.compare canvas');
      const bytes = (canvas: HTMLCanvasElement | undefined): Uint8ClampedArray =>
        canvas!.getContext('2d')!.getImageData(0, 0, canvas!.width, canvas!.height).data;
      const preload = document.querySelector<HTMLLinkElement>('link[rel=modulepreload]')!;
      const { load, Tensor } = (await import(preload.href)) as Library;
      const session = await load('models/denoise/denoise.sardonyx.json', {
        force: { threads: 1, variant },
      });
      const [noisy, tiled] = [bytes(before), bytes(after)];
      const plane = before!.width * before!.height;
      const values = new Float32Array(3 * plane).map(
        (_, i) => (noisy[4 * (i % plane) + Math.floor(i / plane)] ?? 0) / 255,
      );
      const picture = new Tensor('float32', values, [1, 3, before!.height, before!.width]);
      const whole = (await session.run({ picture })).denoised!.data as Float32Array;
      await session.dispose();
      return whole.reduce((most, value, i) => {
        const byte = tiled[4 * (i % plane) + Math.floor(i / plane)] ?? 0;
        return Math.max(most, Math.abs(byte - 255 * Math.min(1, Math.max(0, value))));
      }, 0);
    }, variant);
    expect(difference).toBeLessThan(1);
  });

  test('takes a picture from a file, made smaller where it must be', async ({ page }) => {
    await expect(page.locator('#denoise-state')).toHaveText('Done.');
    await page.locator('#denoise-file').setInputFiles({
      name: 'wide.png',
      mimeType: 'image/png',
      buffer: await picture(page, 2600, 40),
    });
    await expect(page.locator('#denoise-size')).toHaveText(/from 2600 × 40 to \d+ × \d+/);
    await expect(page.locator('#denoise-state')).toHaveText('Done.');
    await expect(page.locator('#denoise-pixels')).not.toHaveText('640 × 480');
    await expect(page.locator('#denoise-noise-value')).toHaveText('none added');
    await page.getByRole('button', { name: 'Sample' }).click();
    await expect(page.locator('#denoise-pixels')).toHaveText('640 × 480');
    await expect(page.locator('#denoise-size')).toHaveText('');
  });

  test('takes a picture that is dropped or pasted, and refuses what is none', async ({ page }) => {
    await expect(page.locator('#denoise-state')).toHaveText('Done.');
    for (const [type, width] of [
      ['drop', 50],
      ['paste', 60],
    ] as const) {
      const bytes = [...(await picture(page, width, 40))];
      await page.evaluate(
        ([type, bytes]) => {
          const files = new DataTransfer();
          files.items.add(new File([Uint8Array.from(bytes)], 'a.png', { type: 'image/png' }));
          const options = { bubbles: true, cancelable: true };
          document.body.dispatchEvent(
            type === 'drop'
              ? new DragEvent('drop', { ...options, dataTransfer: files })
              : new ClipboardEvent('paste', { ...options, clipboardData: files }),
          );
        },
        [type, bytes] as const,
      );
      await expect(page.locator('#denoise-pixels')).toHaveText(`${width} × 40`);
    }
    await page
      .locator('#denoise-file')
      .setInputFiles({ name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
    await expect(page.locator('#denoise-problem')).toContainText('not a picture');
  });

  test('stops when asked to, and starts again', async ({ page }) => {
    await expect(page.locator('#denoise-state')).toHaveText('Done.');
    await page.evaluate(() => {
      const noise = document.getElementById('denoise-noise') as HTMLInputElement;
      noise.value = '40';
      noise.dispatchEvent(new Event('input'));
      document.getElementById('denoise-stop')?.click();
    });
    await expect(page.locator('#denoise-state')).toHaveText('Stopped.');
    await expect(page.locator('.problem')).toHaveCount(0);
    await page.locator('#denoise-noise').fill('20');
    await expect(page.locator('#denoise-state')).toHaveText('Done.');
    expect(await decibels(page, 'after')).toBeGreaterThan((await decibels(page, 'before')) + 5);
  });

  test('compares by keyboard', async ({ page }) => {
    const range = page.getByLabel('Before and after');
    await range.focus();
    await page.keyboard.press('Home');
    await expect(page.locator('.compare .after')).toHaveCSS('clip-path', 'inset(0px 0px 0px 0%)');
    await page.keyboard.press('End');
    await expect(page.locator('.compare .after')).toHaveCSS('clip-path', 'inset(0px 0px 0px 100%)');
    await expect(range).toHaveAttribute('aria-valuetext', '100 % noisy, 0 % denoised');
  });

  /** A PNG file of one colour. */
  const picture = async (page: Page, width: number, height: number): Promise<Buffer> => {
    const base64 = await page.evaluate(
      ([width, height]) => {
        const canvas = Object.assign(document.createElement('canvas'), { width, height });
        const context = canvas.getContext('2d')!;
        context.fillStyle = '#4080c0';
        context.fillRect(0, 0, width, height);
        return canvas.toDataURL('image/png').split(',')[1]!;
      },
      [width, height] as const,
    );
    return Buffer.from(base64, 'base64');
  };
});

test.describe('your model', () => {
  test('opens a model, runs it, refuses a wrong one, opens another', async ({ page }) => {
    const input = page.locator('#own-file');
    await input.setInputFiles(onnxFile('two.onnx', modelBytes('two-outputs')));
    const report = page.locator('#own-report');
    await expect(report).toContainText('two.onnx');
    await expect(report).toContainText('opset ai.onnx 13');
    await expect(report).toContainText('2 nodes');
    await expect(report.locator('.chips')).toHaveText(/Mul\s*1\s*Relu\s*1/);
    await page.getByRole('button', { name: 'Run' }).click();
    await expect(page.locator('#own-timing')).toHaveText(/first run .* \(median of 8\)/);
    await expect(report.locator('tr', { hasText: 'product' })).toContainText('mean');
    await expect(status(page, 'model')).toHaveText('two.onnx');

    await input.setInputFiles(onnxFile('odd.onnx', badModels['unknown operator']?.bytes()));
    const problem = page.locator('#own-problem .problem');
    await expect(problem).toContainText('OPERATOR_UNSUPPORTED');
    await expect(problem).toContainText('Frobnicate');
    await expect(report).toBeHidden();

    await input.setInputFiles(onnxFile('kinds.onnx', modelBytes('all-of-a-kind')));
    await expect(problem).toHaveCount(0);
    await page.getByLabel('n: count').fill('5');
    await expect(page.getByLabel('b: count')).toHaveValue('5');
    await page.getByRole('button', { name: 'Run' }).click();
    await expect(report.locator('#own-outputs tr', { hasText: 'int64' })).toContainText('5');
  });

  test('shows where the time goes, and saves it as a trace', async ({ page }) => {
    await page.locator('#own-file').setInputFiles(onnxFile('two.onnx', modelBytes('two-outputs')));
    await page.getByRole('button', { name: 'Where the time goes' }).click();
    const times = page.locator('#own-times');
    await expect(times.locator('.time-bars').first().locator('li')).toHaveCount(2);
    await expect(times).toContainText(/Mul, mul/);
    await expect(times).toContainText(/in the engine.*Mean of 20 runs/);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save the trace' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('two.trace.json');
    const { traceEvents } = JSON.parse(readFileSync(await download.path(), 'utf8')) as Trace;
    const steps = traceEvents.filter(({ ph }) => ph === 'X').map(({ name }) => name.split(' ')[0]);
    expect(steps.sort()).toEqual(['Mul', 'Relu', 'run']);
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
});

test('can be installed', async ({ page, demo }) => {
  const client = await page.context().newCDPSession(page);
  const { errors, url } = await client.send('Page.getAppManifest');
  expect(url).toBe(`${demo.url}manifest.webmanifest`);
  expect(errors).toEqual([]);
  const problems = await client.send('Page.getInstallabilityErrors');
  // The tests' windows are private ones.
  expect(problems.installabilityErrors.map(({ errorId }) => errorId)).toEqual(['in-incognito']);
  const built = join(import.meta.dirname, '../build/demo');
  const { icons } = JSON.parse(readFileSync(join(built, 'manifest.webmanifest'), 'utf8')) as {
    icons: { src: string }[];
  };
  for (const { src } of icons) expect(existsSync(join(built, src))).toBe(true);
});
