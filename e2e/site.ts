// The servers and pages of the tests: three origins that differ in their headers.
import { test as base, type Page } from '@playwright/test';
import { build, type Plugin } from 'esbuild';
import { join } from 'node:path';
import { serve, type Answer, type Mount, type Server } from '../tools/server.mjs';
import { answerBroken } from './broken_engine';
import { answerReport } from './engines/reports';
import { answerGolden, shared } from './golden';
import { answerManifest } from './manifests';
import { modelBytes } from './models';

const root = join(import.meta.dirname, '..');

export type Entry = 'esm' | 'script';

interface Site {
  /** Cross-origin isolated: shared memory and threads. */
  readonly isolated: Server;
  readonly plain: Server;
  /** Isolated, with the strictest content security policy that lets WebAssembly run. */
  readonly strict: Server;
}

/** Pages import what is published, not the sources. */
const publishedLibrary: Plugin = {
  name: 'published-library',
  setup(build) {
    build.onResolve({ filter: /\/web\/index$/ }, () => ({
      path: '/dist/index.mjs',
      external: true,
    }));
    build.onResolve({ filter: /\/web\/ort\/index$/ }, () => ({
      path: '/dist/ort.mjs',
      external: true,
    }));
  },
};

/** A page's own code, bundled from e2e/page on first use. */
const bundles = new Map<string, Promise<string>>();

function bundle(name: string): Promise<string> {
  let text = bundles.get(name);
  if (!text) {
    text = build({
      entryPoints: [join(root, 'e2e/page', `${name}.ts`)],
      bundle: true,
      write: false,
      format: 'esm',
      plugins: [publishedLibrary],
      target: 'es2022',
    }).then(({ outputFiles }) => outputFiles[0]?.text ?? '');
    bundles.set(name, text);
  }
  return text;
}

/** The code of each page. Those of the first two are the test's to drive; the others drive themselves. */
const codeOf: Readonly<Record<string, readonly string[]>> = {
  esm: ['esm_entry', 'harness'],
  script: ['harness'],
  smoke: ['esm_entry', 'smoke'],
  offline_visit: ['offline_visit'],
};

export function answerPage({ path, url }: { path: string; url: URL }): Answer | undefined {
  const name = path.slice('/page/'.length);
  const code = codeOf[name];
  if (!code) return undefined;
  const origin = url.searchParams.get('library') ?? '';
  const library = `<script src="${origin}/dist/sardonyx.js"${origin && ' crossorigin'}></script>`;
  const scripts = code.map((file) => `<script type="module" src="/harness/${file}.js"></script>`);
  return {
    body: [
      '<!doctype html><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,">',
      ...(name === 'script' ? [library] : []),
      ...scripts,
    ].join(''),
    type: 'text/html; charset=utf-8',
  };
}

export async function answerCode({ path }: { path: string }): Promise<Answer> {
  return {
    body: await bundle(path.slice('/harness/'.length, -'.js'.length)),
    type: 'text/javascript',
  };
}

function answerModel({ path }: { path: string }): Answer | undefined {
  const bytes = modelBytes(decodeURIComponent(path.slice('/models/'.length, -'.onnx'.length)));
  return bytes && { body: bytes, type: 'application/octet-stream' };
}

const mounts: Mount[] = [
  ['/dist/', join(root, 'dist')],
  ['/broken/', answerBroken],
  ['/page/', answerPage],
  ['/harness/', answerCode],
  ['/models/', answerModel],
  ['/own-models/', join(root, 'models')],
  ['/manifests/', answerManifest],
  ['/golden/', answerGolden],
  ['/report/', answerReport],
  ['/shared-models/', join(shared, 'models')],
  // Never answers, as a stalled download.
  ['/stalled/', () => new Promise<never>(() => undefined)],
  ['/web-page/', () => ({ body: '<!doctype html><p>not a model', type: 'text/html' })],
];

const strictPolicy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:";

export const test = base.extend<object, { site: Site; demo: Server }>({
  site: [
    // Playwright wants the pattern, empty or not.
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const isolated = await serve({ mounts });
      const plain = await serve({ mounts, isolated: false });
      const headers = { 'Content-Security-Policy': strictPolicy };
      const strict = await serve({ mounts, headers });
      await use({ isolated, plain, strict });
      await Promise.all([isolated, plain, strict].map((server) => server.close()));
    },
    { scope: 'worker' },
  ],
  demo: [
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const server = await serve();
      await use(server);
      await server.close();
    },
    { scope: 'worker' },
  ],
});

export { expect } from '@playwright/test';

/** Opens a page of `server` that has the library, loaded as asked, and the harness. */
export async function openPage(
  page: Page,
  server: Server,
  { entry = 'esm', library }: { entry?: Entry; library?: Server } = {},
): Promise<void> {
  const from = library ? `?library=${library.url.slice(0, -1)}` : '';
  await page.goto(`${server.url}page/${entry}${from}`);
  await page.waitForFunction(() => 'sardonyx' in window && 'harness' in window);
}

/** One page for all tests of a describe block: they share its sessions' fate, as on a real page. */
export function sharedPage(which: 'isolated' | 'plain' | 'strict'): () => Page {
  let page: Page | undefined;
  test.beforeAll(async ({ browser, site }) => {
    page = await browser.newPage();
    await openPage(page, site[which]);
  });
  test.afterAll(() => page?.close());
  return () => {
    if (!page) throw new Error('the shared page is not open');
    return page;
  };
}

/** Keeps the page from measuring the machine, as a tab that does so would: its verdict is not the test's matter. */
export const withoutCalibration = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    void navigator.locks.request('sardonyx-calibration', () => new Promise(() => undefined));
  });
