// Wrong manifests and wrong files of manifests: a typed error that names what is wrong, and the next load
// works.
import { expect, openPage, sharedPage, test } from './site';

const cases = [
  {
    name: 'an invalid hash',
    code: 'MANIFEST_INVALID',
    scope: 'model',
    field: 'variants[0].sha256',
  },
  { name: 'an unknown field', code: 'MANIFEST_INVALID', scope: 'model', field: 'colour' },
  { name: 'another format', code: 'MANIFEST_INVALID', scope: 'model', field: 'format' },
  { name: 'no JSON', code: 'MANIFEST_INVALID', scope: 'model' },
  { name: 'a page for the manifest', code: 'NOT_A_MODEL', scope: 'network' },
  { name: 'a manifest that is not there', code: 'HTTP_STATUS', scope: 'network' },
  { name: 'a manifest in a redirect loop', code: 'NETWORK_FAILED', scope: 'network' },
  { name: 'a file in a redirect loop', code: 'NETWORK_FAILED', scope: 'network', file: true },
  { name: 'a wrong hash', code: 'FILE_MISMATCH', scope: 'network', file: true },
  { name: 'a wrong size', code: 'FILE_MISMATCH', scope: 'network', file: true },
  { name: 'a file cut short', code: 'FILE_MISMATCH', scope: 'network', file: true },
  { name: 'a wrong chunk', code: 'FILE_MISMATCH', scope: 'network', file: true },
  { name: 'a page of the right size', code: 'FILE_MISMATCH', scope: 'network', file: true },
  { name: 'a page for the file', code: 'NOT_A_MODEL', scope: 'network', file: true },
  { name: 'a missing file', code: 'HTTP_STATUS', scope: 'network', file: true },
  { name: 'a wrong answer', code: 'SELFTEST_FAILED', scope: 'route' },
] as const;

for (const storage of ['auto', 'none'] as const) {
  test.describe(`wrong manifests, storage ${storage}`, () => {
    const page = sharedPage('isolated');
    for (const { name, code, scope, ...more } of cases) {
      test(name, async () => {
        const found = await page().evaluate(
          async ({ name, storage }) => {
            const { failureOf } = window.harness;
            const { manifestUrl, stored, visit } = window.harness.storage;
            const { load, models } = window.sardonyx;
            const failure = await failureOf(load(manifestUrl(name), { storage }));
            const left = { stored: await stored(), models: await models.list() };
            const after = await visit(manifestUrl('right'), { storage });
            await models.remove('small');
            return { failure, left, after };
          },
          { name, storage },
        );
        expect(found.failure).toMatchObject({ isSardonyxError: true, code, scope });
        expect(found.failure?.remedy).toBeTruthy();
        if (scope !== 'route') {
          const url = 'file' in more ? '.onnx' : 'm.sardonyx.json';
          expect(found.failure?.where?.url).toContain(url);
          expect(found.failure?.message).toContain(url);
        }
        if ('field' in more) expect(found.failure?.where?.field).toBe(more.field);
        expect(found.left.models).toEqual([]);
        expect(found.left.stored).toEqual({});
        expect(found.after).toMatchObject({
          outputs: [1, 0, 1.5, 8],
          offline: storage === 'auto' ? 'ready' : 'off',
        });
      });
    }
  });
}

test.describe('what the caller does wrong', () => {
  const page = sharedPage('isolated');

  test('a variant that is not there', async () => {
    const failure = await page().evaluate(() => {
      const { failureOf } = window.harness;
      const { manifestUrl } = window.harness.storage;
      return failureOf(window.sardonyx.load(manifestUrl('right'), { force: { variant: 'int3' } }));
    });
    expect(failure).toMatchObject({ code: 'VARIANT_UNKNOWN', scope: 'caller' });
    expect(failure?.message).toContain('there are fp32');
  });

  test('a load without a network and without a stored copy', async ({ browser, site }) => {
    const fresh = await browser.newPage();
    await openPage(fresh, site.isolated);
    await fresh.context().setOffline(true);
    const load = () =>
      fresh.evaluate(() => {
        const { manifestUrl } = window.harness.storage;
        return window.harness.failureOf(window.sardonyx.load(manifestUrl('right')));
      });
    const failure = await load();
    expect(failure).toMatchObject({ code: 'NETWORK_FAILED', scope: 'network' });
    expect(failure?.remedy).toBeTruthy();
    expect(failure?.where?.url).toContain('right/m.sardonyx.json');
    expect(failure?.message).toContain('this device is offline, and no copy of it is stored');
    await fresh.context().setOffline(false);
    expect(await load()).toBeUndefined();
    await fresh.close();
  });

  test('the check of manifests does not load', async ({ browser, site }) => {
    const fresh = await browser.newPage();
    await openPage(fresh, site.isolated);
    const seen: string[] = [];
    await fresh.route('**/manifest.mjs', (route) => {
      seen.push(route.request().url());
      return route.abort();
    });
    const load = () =>
      fresh.evaluate(() => {
        const { manifestUrl } = window.harness.storage;
        return window.harness.failureOf(window.sardonyx.load(manifestUrl('right')));
      });
    await fresh.evaluate(async () => {
      const { harness, sardonyx } = window;
      await (await sardonyx.load(harness.modelUrl('many-steps'))).dispose();
    });
    expect(seen).toEqual([]);
    const failure = await load();
    expect(failure).toMatchObject({ code: 'NETWORK_FAILED', scope: 'network' });
    expect(failure?.message).toContain('manifest.mjs');
    await fresh.unroute('**/manifest.mjs');
    expect(await load()).toBeUndefined();
    await fresh.close();
  });

  test('an abort while a file is on its way', async () => {
    const found = await page().evaluate(async () => {
      const { manifestUrl, stored, visit } = window.harness.storage;
      const stop = new AbortController();
      setTimeout(() => stop.abort('not needed'), 300);
      const reason = await window.sardonyx
        .load(manifestUrl('slow'), { signal: stop.signal })
        .catch((thrown: unknown) => thrown);
      const left = await stored();
      return { reason, left, after: await visit(manifestUrl('right')) };
    });
    expect(found.reason).toBe('not needed');
    expect(found.left).toEqual({});
    expect(found.after).toMatchObject({ outputs: [1, 0, 1.5, 8], offline: 'ready' });
  });
});
