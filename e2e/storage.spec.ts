// Files of manifests in the storage of the browser: kept, found again, damaged, removed, refused. Each
// test has a browser profile of its own.
import { asked, smallFile } from './manifests';
import { expect, openPage, test, withoutCalibration } from './site';

const smallOutput = [1, 0, 1.5, 8];
const fileOf = (folder: string): string => `/manifests/${folder}/fp32.onnx`;
const count = (folder: string): number => asked.get(fileOf(folder)) ?? 0;

test('a model is stored, and loaded again without a network', async ({ page, site }) => {
  await openPage(page, site.isolated);
  const before = count('right');
  const first = await page.evaluate(async () => {
    const { manifestUrl, visit } = window.harness.storage;
    return { ...(await visit(manifestUrl('right'))), list: await window.sardonyx.models.list() };
  });
  expect(first).toMatchObject({
    outputs: smallOutput,
    phases: ['download', 'verify', 'compile', 'selftest'],
    offline: 'ready',
    events: ['offline-ready'],
  });
  expect(first.why).toContain('file from network');
  const { bytes, sha256 } = smallFile;
  expect(first.list).toEqual([
    {
      name: 'small',
      version: '1.0.0',
      manifestUrl: `${site.isolated.url}manifests/right/m.sardonyx.json`,
      bytes,
      files: [
        { variant: 'fp32', url: `${site.isolated.url}manifests/right/fp32.onnx`, bytes, sha256 },
      ],
      complete: true,
    },
  ]);
  await page.route('**/manifests/**', (route) => route.abort());
  const second = await page.evaluate(async () => {
    const { manifestUrl, visit, stored } = window.harness.storage;
    return { ...(await visit(manifestUrl('right'))), stored: await stored() };
  });
  expect(second).toMatchObject({
    outputs: smallOutput,
    phases: ['verify', 'compile', 'selftest'],
    offline: 'ready',
    stored: { [sha256]: bytes },
  });
  expect(second.why).toContain('manifest from storage');
  expect(second.why).toContain('file from storage');
  expect(count('right')).toBe(before + 1);
});

test('availability tells what is missing before a load, and that it is there afterwards', async ({
  page,
  site,
}) => {
  await openPage(page, site.isolated);
  const before = count('right');
  const found = await page.evaluate(async () => {
    const { manifestUrl, visit } = window.harness.storage;
    const url = manifestUrl('right');
    const { availability } = window.sardonyx;
    const first = await availability(url);
    const early = await window.harness.storage.stored();
    await visit(url);
    return {
      first,
      early,
      second: await availability(url),
      none: await availability(url, { storage: 'none' }),
    };
  });
  const { bytes } = smallFile;
  const route = { id: 'fp32-cpu-relaxed', variant: 'fp32', precision: 'fp32', device: 'cpu' };
  expect(found.first.ranked[0]).toMatchObject({ ...route, missingBytes: bytes, cached: false });
  expect(found.first.rejected).toContainEqual({
    route: { variant: 'fp32', device: 'webgpu' },
    why: 'the manifest does not offer it for webgpu',
  });
  expect(found.early).toEqual({});
  expect(found.second.ranked[0]).toMatchObject({ ...route, missingBytes: 0, cached: true });
  expect(found.none.ranked[0]).toMatchObject({ missingBytes: bytes, cached: false });
  expect(count('right')).toBe(before + 1);
});

test('where data is to be saved, what is stored goes before what is not much faster', async ({
  page,
  site,
}) => {
  await page.addInitScript(() => {
    Object.defineProperty(navigator, 'connection', { value: { saveData: true } });
  });
  await withoutCalibration(page);
  await openPage(page, site.isolated);
  const found = await page.evaluate(async () => {
    const { availability, models } = window.sardonyx;
    const url = '/own-models/glyphs/glyphs.sardonyx.json';
    const force = { device: 'cpu' } as const;
    const onCpu = async (storage: 'auto' | 'none') =>
      (await availability(url, { force, storage })).ranked.filter((r) => r.module === 'relaxed');
    const before = await onCpu('auto');
    await models.keep(url, { variants: ['fp32'] });
    return { before, after: await onCpu('auto'), none: await onCpu('none') };
  });
  const names = (routes: readonly { variant?: string }[]) => routes.map(({ variant }) => variant);
  expect(names(found.before)).toEqual(['int8', 'fp16', 'fp32']);
  expect(names(found.after)).toEqual(['fp32', 'int8', 'fp16']);
  expect(found.after[0]?.why).toContainEqual(
    expect.stringMatching(/^saves data: in storage, int8/),
  );
  expect(names(found.none)).toEqual(['int8', 'fp16', 'fp32']);
});

test('nothing is stored when nobody wants it', async ({ page, site }) => {
  await openPage(page, site.plain);
  const found = await page.evaluate(async () => {
    const { manifestUrl, visit, stored } = window.harness.storage;
    const visited = await visit(manifestUrl('right'), { storage: 'none' });
    return { ...visited, stored: await stored(), list: await window.sardonyx.models.list() };
  });
  expect(found).toMatchObject({ outputs: smallOutput, offline: 'off', stored: {}, list: [] });
});

test('a damaged copy is downloaded again', async ({ page, site }) => {
  await openPage(page, site.isolated);
  const found = await page.evaluate(async ({ sha256, bytes }) => {
    const { manifestUrl, visit, stored, plant } = window.harness.storage;
    const url = manifestUrl('right');
    await visit(url);
    // Of the right size, so that only its hash tells.
    await plant(sha256, new Uint8Array(bytes).fill(7));
    const damaged = await visit(url);
    // As after a crash while it was written.
    await plant(sha256, new Uint8Array(bytes - 1));
    await plant(`${sha256}.part`, new Uint8Array(bytes));
    const torn = await visit(url);
    return { damaged, torn, after: await visit(url), stored: await stored() };
  }, smallFile);
  expect(found.damaged).toMatchObject({ outputs: smallOutput, offline: 'ready' });
  expect(found.damaged.why).toContain('downloaded again: the stored copy of');
  expect(found.damaged.why).toContain('has SHA-256');
  expect(found.torn).toMatchObject({ outputs: smallOutput, offline: 'ready' });
  expect(found.torn.why).toContain('file from network');
  expect(found.after.why).toContain('file from storage');
  expect(found.stored).toEqual({ [smallFile.sha256]: smallFile.bytes });
});

test('two tabs at the same time download once', async ({ page, context, site }) => {
  const other = await context.newPage();
  await openPage(page, site.isolated);
  await openPage(other, site.isolated);
  const before = count('slow');
  const visits = [page, other].map((tab) =>
    tab.evaluate(() => {
      const { manifestUrl, visit } = window.harness.storage;
      return visit(manifestUrl('slow'));
    }),
  );
  for (const visit of await Promise.all(visits)) {
    expect(visit).toMatchObject({ outputs: smallOutput, offline: 'ready' });
  }
  expect(count('slow')).toBe(before + 1);
});

test('two tabs without Web Locks may download twice, and are right', async ({
  page,
  context,
  site,
}) => {
  const other = await context.newPage();
  await openPage(page, site.isolated);
  await openPage(other, site.isolated);
  const visits = [page, other].map((tab) =>
    tab.evaluate(() => {
      const { manifestUrl, visit, workerAfter } = window.harness.storage;
      const worker = workerAfter('delete WorkerNavigator.prototype.locks;');
      return visit(manifestUrl('slow'), { assets: { worker } });
    }),
  );
  const found = await Promise.all(visits);
  for (const { outputs } of found) expect(outputs).toEqual(smallOutput);
  expect(found.map(({ offline }) => offline)).toContain('ready');
  const after = await page.evaluate(async () => {
    const { manifestUrl, stored, visit } = window.harness.storage;
    return { ...(await visit(manifestUrl('slow'))), stored: await stored() };
  });
  expect(after).toMatchObject({ outputs: smallOutput, offline: 'ready' });
  expect(after.why).toContain('file from storage');
  expect(after.stored).toEqual({ [smallFile.sha256]: smallFile.bytes });
});

test('a full storage leaves the model working', async ({ page, context, site }) => {
  await openPage(page, site.isolated);
  const origin = site.isolated.url.slice(0, -1);
  const cdp = await context.newCDPSession(page);
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
  const visit = (): Promise<object> =>
    page.evaluate(() => {
      const { manifestUrl, visit } = window.harness.storage;
      return visit(manifestUrl('right'));
    });
  expect(await visit()).toMatchObject({
    outputs: smallOutput,
    offline: 'failed',
    code: 'STORAGE_FULL',
    events: ['offline-failed'],
  });
  await cdp.send('Storage.overrideQuotaForOrigin', { origin });
  expect(await visit()).toMatchObject({ outputs: smallOutput, offline: 'ready' });
});

test('a blocked storage leaves the model working', async ({ page, site }) => {
  await openPage(page, site.plain);
  // The origin of a sandboxed frame may store nothing.
  await page.evaluate((src) => {
    const frame = document.createElement('iframe');
    frame.setAttribute('sandbox', 'allow-scripts');
    frame.src = src;
    document.body.append(frame);
  }, `${site.plain.url}page/esm`);
  const frame = await expect
    .poll(() => page.frames()[1])
    .toBeTruthy()
    .then(() => page.frames()[1]!);
  await frame.waitForFunction(() => 'sardonyx' in window && 'harness' in window);
  const found = await frame.evaluate(async () => {
    const { failureOf } = window.harness;
    const { manifestUrl, visit } = window.harness.storage;
    const visited = await visit(manifestUrl('right'));
    return { ...visited, list: await failureOf(window.sardonyx.models.list()) };
  });
  expect(found).toMatchObject({
    outputs: smallOutput,
    offline: 'failed',
    code: 'STORAGE_BLOCKED',
    list: { code: 'STORAGE_BLOCKED', scope: 'storage' },
  });
});

test('the Cache API serves where there is no OPFS', async ({ page, site }) => {
  await openPage(page, site.isolated);
  const found = await page.evaluate(async () => {
    const { manifestUrl, visit, workerAfter } = window.harness.storage;
    const { models } = window.sardonyx;
    // As in WebKitGTK.
    const remove = 'delete StorageManager.prototype.getDirectory;';
    Reflect.deleteProperty(StorageManager.prototype, 'getDirectory');
    const assets = { worker: workerAfter(remove) };
    const url = manifestUrl('right');
    const first = await visit(url, { assets });
    const second = await visit(url, { assets });
    const listed = await models.list();
    // A wrong copy, of the right size.
    const cache = await caches.open('sardonyx-files');
    const [key] = await cache.keys();
    const size = (await (await cache.match(key!))!.blob()).size;
    await cache.put(key!, new Response(new Uint8Array(size)));
    const third = await visit(url, { assets });
    await models.remove('small');
    return { first, second, third, listed, left: (await cache.keys()).length };
  });
  expect(found.first).toMatchObject({ outputs: smallOutput, offline: 'ready' });
  expect(found.second.why).toContain('file from storage');
  expect(found.third).toMatchObject({ outputs: smallOutput, offline: 'ready' });
  expect(found.third.why).toContain('downloaded again');
  expect(found.listed).toMatchObject([{ name: 'small', complete: true }]);
  expect(found.left).toBe(0);
});

test('models are listed, counted and removed', async ({ page, site }) => {
  await openPage(page, site.isolated);
  const found = await page.evaluate(async () => {
    const { manifestUrl, visit, stored } = window.harness.storage;
    const { models } = window.sardonyx;
    const empty = await models.usage();
    await models.keep(manifestUrl('two variants'), { variants: ['int8'] });
    const [one] = await models.list();
    await models.keep(manifestUrl('two variants'));
    const [both] = await models.list();
    const usage = await models.usage();
    await visit(manifestUrl('right'));
    await models.remove('nothing of that name');
    const before = (await models.list()).length;
    await models.remove('small');
    const after = { list: await models.list(), stored: await stored() };
    const again = await visit(manifestUrl('right'));
    return { empty, one, both, usage, before, after, again, persisted: await models.persist() };
  });
  const { bytes } = smallFile;
  expect(found.empty.bytes).toBe(0);
  // Both variants are one file.
  expect(found.one).toMatchObject({ complete: true });
  expect(found.both?.files.map(({ variant }) => variant)).toEqual(['fp32', 'int8']);
  expect(found.usage).toMatchObject({ bytes, persisted: false });
  expect(found.usage.quota).toBeGreaterThan(0);
  expect(found.before).toBe(2);
  expect(found.after).toEqual({ list: [], stored: {} });
  expect(found.again).toMatchObject({ outputs: smallOutput, offline: 'ready' });
  expect(typeof found.persisted).toBe('boolean');
});

test('a new version replaces the stored one when it is there', async ({ page, site }) => {
  await openPage(page, site.isolated);
  await page.evaluate(() => window.sardonyx.models.keep('/manifests/right/m.sardonyx.json'));
  const url = `${site.isolated.url}manifests/version%202/m.sardonyx.json`;
  const manifest = await (await fetch(url)).text();
  let text = manifest;
  await page.route('**/right/m.sardonyx.json', (route) => route.fulfill({ body: text }));
  const visit = (): Promise<{ offline: string; why: string }> =>
    page.evaluate(() => {
      const { manifestUrl, visit } = window.harness.storage;
      return visit(manifestUrl('right'));
    });
  const versions = (): Promise<string[]> =>
    page.evaluate(async () => (await window.sardonyx.models.list()).map(({ version }) => version));
  expect((await visit()).offline).toBe('ready');
  expect(await versions()).toEqual(['2.0.0']);
  // What the server breaks does not take the stored version away.
  text = '{"format": 1, "name": "broken"}';
  expect((await visit()).why).toContain('manifest from storage');
  expect(await versions()).toEqual(['2.0.0']);
});
