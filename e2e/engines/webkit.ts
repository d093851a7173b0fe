// WebKitGTK's MiniBrowser on a display of its own.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeHome, start, type Running } from './browser_process';

const DISPLAY_MS = 30_000;

const options = ['--javascript-can-open-windows-automatically=true'];

export async function openWebKit(
  url: string,
  variables: Readonly<Record<string, string>>,
): Promise<Running> {
  const screen = ['-screen', '0', '1280x800x24', '-nolisten', 'tcp'];
  const display = start('Xvfb', ['-displayfd', '1', ...screen], makeHome('display'));
  try {
    const number = await displayNumber(display);
    const browser = start(miniBrowser(), [...options, url], makeHome('webkit'), {
      DISPLAY: `:${number}`,
      NO_AT_BRIDGE: '1',
      ...variables,
    });
    return {
      log: () => browser.log(),
      close: async () => {
        await browser.close();
        await display.close();
      },
    };
  } catch (error) {
    await display.close();
    throw error;
  }
}

/** The number that Xvfb prints when it is ready. */
async function displayNumber(display: Running): Promise<string> {
  const end = Date.now() + DISPLAY_MS;
  while (Date.now() < end) {
    const number = /^\d+$/m.exec(display.log())?.[0];
    if (number) return number;
    await sleep(20);
  }
  throw new Error(`Xvfb has not started: ${display.log()}`);
}

function miniBrowser(): string {
  const own = process.env.MINIBROWSER;
  if (own) return own;
  for (const folder of readdirSync('/usr/lib')) {
    const path = join('/usr/lib', folder, 'webkit2gtk-4.1/MiniBrowser');
    if (existsSync(path)) return path;
  }
  throw new Error('missing: MiniBrowser of webkit2gtk-driver. Type: npm run setup');
}
