// Swaps on a machine without the memory for two engines: the old one ends before the new one starts.
import { expect, openPage, test, withoutCalibration } from './site';

const right = [1, 0, 1.5, 8];

test.beforeEach(async ({ page, site }) => {
  await withoutCalibration(page);
  await page.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, 'deviceMemory', { get: () => 4 });
  });
  await openPage(page, site.isolated);
});

for (const [name, most] of [
  ['two large variants', 1],
  ['two busy variants', 2],
] as const) {
  test(`of ${name} ${most} at most is there at a time, and no run is lost`, async ({ page }) => {
    const found = await page.evaluate(async (name) => {
      const { storage, swaps } = window.harness;
      const count = swaps.countWorkers();
      const session = await window.sardonyx.load(storage.manifestUrl(name), {
        queueLimit: 300,
        storage: 'none',
      });
      const list = [{ variant: 'fp32' }, { module: 'simd' }, { variant: 'int8' }, {}] as const;
      const load = await swaps.underLoad(session, 300, list);
      return { ...load, ...count };
    }, name);
    expect(found).toMatchObject({ inOrder: true, wrong: 0, most, now: 1 });
    expect(found.settled).toBe(found.submitted);
    expect(found.routes).toEqual([
      'fp32-cpu-relaxed',
      'fp32-cpu-simd',
      'int8-cpu-relaxed',
      'int8-cpu-relaxed',
    ]);
  });
}

test('when the new one does not start, the old one starts again', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { failureOf, runSmall, storage, swaps } = window.harness;
    const count = swaps.countWorkers();
    const session = await window.sardonyx.load(storage.manifestUrl('two large variants'), {
      storage: 'none',
    });
    const seen = swaps.listen(session);
    const before = session.route.id;
    const swap = failureOf(session.swap({ wasm: '/broken/half/sardonyx.relaxed.wasm' }));
    const runs = await Promise.all([runSmall(session), runSmall(session), runSmall(session)]);
    const failure = await swap;
    const { state, route } = session;
    return { before, runs, failure, state, id: route.id, seen, most: count.most };
  });
  expect(found.failure).toMatchObject({ isSardonyxError: true, code: 'ENGINE_START' });
  expect(found).toMatchObject({ state: 'serving', id: found.before, most: 1 });
  expect(found.runs).toEqual([right, right, right]);
  expect(found.seen).toEqual([
    `rollback ${found.before}-own > ${found.before} ENGINE_START`,
    `recover ${found.before} > ${found.before}`,
    `route ${found.before} > ${found.before}`,
  ]);
});
