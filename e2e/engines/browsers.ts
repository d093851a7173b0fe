// The browser engines of the smoke tests, each opened on a page that drives itself.
import type { Browser } from '@playwright/test';
import type { Running } from './browser_process';
import { openFirefox } from './firefox';
import { openWebKit } from './webkit';

export interface Engine {
  readonly name: string;
  readonly module: 'relaxed' | 'simd';
  /** A cross-origin isolated page has the SharedArrayBuffer that threads need. */
  readonly threads: boolean;
  open(url: string, chromium: Browser): Promise<Running>;
}

async function openChromium(url: string, chromium: Browser): Promise<Running> {
  const context = await chromium.newContext();
  const lines: string[] = [];
  context.on('console', (message) => lines.push(message.text()));
  context.on('weberror', (error) => lines.push(String(error.error())));
  const page = await context.newPage();
  await page.goto(url);
  return { log: () => lines.join('\n'), close: () => context.close() };
}

export const engines: readonly Engine[] = [
  { name: 'Chromium', module: 'relaxed', threads: true, open: openChromium },
  {
    name: 'Firefox',
    module: 'relaxed',
    threads: true,
    open: (url) => Promise.resolve(openFirefox(url)),
  },
  {
    name: 'WebKitGTK',
    module: 'simd',
    threads: false,
    open: (url) => openWebKit(url, {}),
  },
  {
    name: 'WebKitGTK with SharedArrayBuffer',
    module: 'simd',
    threads: true,
    open: (url) => openWebKit(url, { JSC_useSharedArrayBuffer: '1' }),
  },
];
