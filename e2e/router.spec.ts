// Many models under one memory budget, with real workers and real wasm.
import { expect, openPage, test } from './site';

test('three models under a budget for two: all answers right, the memory of the evicted one given back', async ({
  page,
  site,
}) => {
  await openPage(page, site.isolated);
  const found = await page.evaluate(async () => {
    const { answerAll, modelUrl, runSmall, router: tools } = window.harness;
    const { glyphs, denoise } = tools.urls;
    const needs = await tools.needs([glyphs, denoise, modelUrl('small')]);
    const sum = needs.reduce((total, bytes) => total + bytes, 0);
    // All but the least of them fit with one other.
    const router = new window.sardonyx.Router({ memoryBudget: sum - 1 });
    const seen = tools.listen(router);
    const models = {
      glyphs: await router.load('glyphs', glyphs, {
        storage: 'none',
        force: { device: 'cpu', threads: 1 },
      }),
      small: await router.load('small', modelUrl('small')),
      denoise: await router.load('denoise', denoise, {
        storage: 'none',
        force: { device: 'cpu', threads: 1 },
      }),
    };
    const afterLoads = { states: tools.states(models), bytes: router.memoryBytes };
    const answers = [];
    const small = [];
    for (let round = 0; round < 2; round++) {
      answers.push(...(await answerAll(models.glyphs, models.glyphs.manifest!, 'int8')));
      small.push(await runSmall(models.small));
      answers.push(...(await answerAll(models.denoise, models.denoise.manifest!, 'int8')));
    }
    return { needs, sum, seen, afterLoads, answers, small, variant: models.denoise.route?.variant };
  });
  expect(Math.min(...found.needs)).toBeGreaterThan(0);
  expect(found.afterLoads.states).toEqual({
    glyphs: 'unloaded',
    small: 'serving',
    denoise: 'serving',
  });
  expect(found.afterLoads.bytes).toBeLessThan(found.sum);
  expect(found.answers.length).toBeGreaterThan(0);
  for (const { difference, tolerance } of found.answers) {
    expect(difference).toBeLessThanOrEqual(tolerance);
  }
  expect(found.small).toEqual([
    [1, 0, 1.5, 8],
    [1, 0, 1.5, 8],
  ]);
  expect(found.seen.slice(0, 4)).toEqual([
    'load glyphs',
    'load small',
    'evict glyphs',
    'load denoise',
  ]);
  expect(found.seen.filter((event) => event.startsWith('evict')).length).toBeGreaterThanOrEqual(3);
  // The workers of evicted models are gone, and with them their memory.
  const loads = found.seen.filter((event) => event.startsWith('load')).length;
  const evictions = found.seen.filter((event) => event.startsWith('evict')).length;
  expect(loads).toBeGreaterThan(3);
  await expect.poll(() => page.workers().length, { timeout: 30_000 }).toBe(loads - evictions);
});

test('sessions that end while their threads start leave none behind', async ({ page, site }) => {
  await openPage(page, site.isolated);
  await page.evaluate(async () => {
    for (let i = 0; i < 20; i++) {
      const session = await window.sardonyx.load(window.harness.modelUrl('small'), {
        force: { threads: 2 },
      });
      await session.dispose();
    }
  });
  await expect.poll(() => page.workers().length, { timeout: 30_000 }).toBe(0);
});

test('two models run at the same time, and both get on', async ({ page, site }) => {
  await openPage(page, site.isolated);
  const found = await page.evaluate(async () => {
    const { modelUrl, router: tools, runSmall } = window.harness;
    const router = new window.sardonyx.Router({ memoryBudget: 2 ** 30 });
    const denoise = await router.load('denoise', tools.urls.denoise, { storage: 'none' });
    const small = await router.load('small', modelUrl('small'));
    const picture = new window.sardonyx.Tensor(
      'float32',
      new Float32Array(3 * 512 * 512).fill(0.5),
      [1, 3, 512, 512],
    );
    let long = 0;
    let short = 0;
    const longRuns = [1, 2, 3].map(async () => {
      await denoise.run({ [denoise.inputs[0]!.name]: picture });
      long++;
    });
    const shortBetween: number[] = [];
    while (long < 3) {
      await runSmall(small);
      short++;
      if (short === 1) shortBetween.push(long);
    }
    await Promise.all(longRuns);
    const threads = [denoise.route!.threads, small.route!.threads];
    await router.dispose();
    return { long, short, shortBetween, threads, states: [denoise.state, small.state] };
  });
  expect(found.long).toBe(3);
  // The first short run did not wait for the long ones.
  expect(found.shortBetween[0]).toBeLessThan(3);
  expect(found.short).toBeGreaterThan(3);
  expect(found.states).toEqual(['disposed', 'disposed']);
  await expect.poll(() => page.workers().length, { timeout: 30_000 }).toBe(0);
});

test('a model that is alone above the budget is refused with both sizes', async ({
  page,
  site,
}) => {
  await openPage(page, site.plain);
  const found = await page.evaluate(async () => {
    const { failureOf, modelUrl, runSmall } = window.harness;
    const router = new window.sardonyx.Router({ memoryBudget: 16 });
    const refused = await failureOf(router.load('small', modelUrl('small')));
    const wide = new window.sardonyx.Router({ memoryBudget: 2 ** 24 });
    const outputs = await runSmall(await wide.load('small', modelUrl('small')));
    return { refused, outputs };
  });
  expect(found.refused).toMatchObject({ code: 'MEMORY_BUDGET', scope: 'caller' });
  expect(found.refused?.message).toMatch(/takes \d+ bytes, the budget is 16$/);
  expect(found.refused?.remedy).toContain('memoryBudget');
  expect(found.outputs).toEqual([1, 0, 1.5, 8]);
  await expect.poll(() => page.workers().length, { timeout: 30_000 }).toBe(1);
});
