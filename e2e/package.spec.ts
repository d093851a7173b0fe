// What `npm pack` makes, used as its users do: by Vite, by a script tag, by TypeScript, by Node.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { serve } from '../tools/server.mjs';
import {
  environment,
  installPackage,
  repositoryTool,
  runIn,
  type Installed,
} from './package/installed';
import { expect, test as base } from './site';

const test = base.extend<object, { installed: Installed }>({
  installed: [
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const installed = await installPackage();
      await use(installed);
      installed.remove();
    },
    { scope: 'worker' },
  ],
});

/** The two wasm modules are 800 kB of 1,070; the rest is for operators to come, not for a file by mistake. */
const MAX_TARBALL_BYTES = 1_200_000;

const vite = repositoryTool('vite/bin/vite.js');
const answers = { variant: 'int8', read: { A: 'A', 7: '7' } };

/** Opens a page of the project and waits for its answers; nothing may be wrong on the way. */
async function expectAnswers(page: Page, url: string): Promise<void> {
  const problems: string[] = [];
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    if (message.text() !== 'No available adapters.') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(url);
  await expect(page).not.toHaveTitle('loading', { timeout: 60_000 });
  const { withoutGpu, ...found } = JSON.parse(await page.title()) as { withoutGpu?: string[] };
  expect(found).toEqual(answers);
  // The code for WebGPU was found and asked for an adapter.
  expect([undefined, 'CPU: there is no WebGPU adapter']).toContain(withoutGpu?.at(-1));
  expect(problems).toEqual([]);
}

test('holds what it should, and not much more', ({ installed }) => {
  const unexpected = installed.files.filter(
    (file) =>
      !/^(package\.json|README\.md|LICENSE)$/.test(file) &&
      !/^docs\/\w+\.md$/.test(file) &&
      file !== 'manifest/schema.json' &&
      !/^dist\/[\w.]+\.(js|mjs|wasm|json)$/.test(file) &&
      !/^dist\/types\/.*(\.d\.ts|package\.json)$/.test(file),
  );
  expect(unexpected).toEqual([]);
  expect(installed.bytes).toBeLessThanOrEqual(MAX_TARBALL_BYTES);
});

test('has no complaint of publint', async ({ installed }) => {
  const tarball = new Uint8Array(readFileSync(installed.tarball)).buffer;
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg as object))).toEqual([]);
});

test('has a README whose imports and links are in it', ({ installed }) => {
  const folder = join(installed.project, 'node_modules/sardonyx');
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>;
  };
  const imports = [...readme.matchAll(/from '(sardonyx[^']*)'/g)].map(([, name = '']) => name);
  expect(imports).toContain('sardonyx');
  for (const name of imports)
    expect(Object.keys(exports)).toContain(name.replace(/^sardonyx/, '.'));
  // Pictures stay out of the package.
  const link = /[^!]\[[^\]]*\]\((?!https?:|docs\/images\/)([^)#]+)/g;
  const links = [...readme.matchAll(link)].map(([, path]) => path);
  expect(links.length).toBeGreaterThan(0);
  for (const path of links) expect(installed.files).toContain(path);
});

test('works in a project built by Vite', async ({ installed, page }) => {
  const { stdout, stderr } = await runIn(installed.project, process.execPath, [vite, 'build']);
  expect(`${stdout}${stderr}`).not.toMatch(/warn/i);
  const server = await serve({ mounts: [['/', join(installed.project, 'dist')]] });
  await expectAnswers(page, server.url);
  await server.close();
});

test("works in Vite's development server", async ({ installed, page }) => {
  const dev = spawn(process.execPath, [vite, '--host', '127.0.0.1', '--port', '0'], {
    cwd: installed.project,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let printed = '';
    const url = await new Promise<string>((resolve, reject) => {
      dev.stdout.on('data', (chunk) => {
        printed += String(chunk);
        const address = /http:\/\/127\.0\.0\.1:\d+\//.exec(printed)?.[0];
        if (address) resolve(address);
      });
      dev.on('close', () => reject(new Error(`vite has ended: ${printed}`)));
    });
    await expectAnswers(page, url);
  } finally {
    dev.kill();
  }
});

for (const isolated of [true, false]) {
  const way = isolated ? 'isolated' : 'not isolated';
  test(`works by a script tag from another origin, ${way}`, async ({ installed, page }) => {
    const host = await serve({
      mounts: [['/', join(installed.project, 'node_modules')]],
      isolated: false,
    });
    const body = `<!doctype html><meta charset="utf-8"><title>loading</title><link rel="icon" href="data:,">
      <script src="${host.url}sardonyx/dist/sardonyx.js"${isolated ? ' crossorigin' : ''}></script>
      <script type="module">
        import { show } from '/show.js';
        show(sardonyx);
      </script>`;
    const server = await serve({
      isolated,
      mounts: [
        ['/page', () => ({ body, type: 'text/html' })],
        ['/', join(installed.project, 'public')],
        ['/', installed.project],
      ],
    });
    await expectAnswers(page, `${server.url}page`);
    await Promise.all([server.close(), host.close()]);
  });
}

for (const [file, options] of [
  ['use.mts', ['--module', 'esnext', '--moduleResolution', 'bundler']],
  ['use.mts', ['--module', 'node16', '--moduleResolution', 'node16']],
  ['use.cts', ['--module', 'nodenext', '--moduleResolution', 'nodenext']],
] as const) {
  test(`has types for ${file} under ${options.at(-1)}`, async ({ installed }) => {
    const tsc = repositoryTool('typescript/bin/tsc');
    const strict = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom'];
    const args = [tsc, ...strict, ...options, file];
    await runIn(installed.project, process.execPath, args);
  });
}

for (const file of ['import.mjs', 'require.cjs']) {
  test(`works in Node: ${file}`, async ({ installed }) => {
    const { stdout, stderr } = await runIn(installed.project, process.execPath, [file]);
    expect(JSON.parse(stdout)).toEqual({ ...answers, ort: ['glyph'] });
    expect(stderr).toBe('');
  });
}

test('has the command sardonyx', async ({ installed }) => {
  const model = 'public/glyphs/glyphs_fp16.onnx';
  const args = ['exec', '--offline', '--', 'sardonyx', 'inspect', model, '--json'];
  const { stdout } = await runIn(installed.project, 'npm', args);
  expect(JSON.parse(stdout)).toMatchObject({ inputs: [{ name: 'glyph' }] });
});

test('gives every asset a name that bundlers resolve', async ({ installed }) => {
  const { stdout } = await runIn(installed.project, process.execPath, ['assets.mjs']);
  const files = JSON.parse(stdout) as string[];
  expect(files).toEqual([
    'worker.js',
    'webgpu.mjs',
    'manifest.mjs',
    'remote.mjs',
    'sardonyx.js',
    'sardonyx.simd.wasm',
    'sardonyx.relaxed.wasm',
    'schema.json',
    'package.json',
  ]);
});
