// Runs of less than a millisecond: on isolated pages most of them go through shared memory (worker/lane.ts).
import { expect, openPage, test } from './site';
import type { Tensor } from '../web/index';

const right = [1, 0, 1.5, 8];

for (const which of ['isolated', 'plain'] as const) {
  test.describe(which, () => {
    test.beforeEach(({ page, site }) => openPage(page, site[which]));

    test('a loop of them leaves the page its turns, and all are right', async ({ page }) => {
      const found = await page.evaluate(async (right) => {
        const { modelUrl, runSmall } = window.harness;
        const session = await window.sardonyx.load(modelUrl('small'), { force: { threads: 1 } });
        let [turns, runs, wrong] = [0, 0, 0];
        const timer = setInterval(() => turns++);
        for (; turns < 20 && runs < 100_000; runs++) {
          const y = await runSmall(session);
          if (y.some((value, i) => value !== right[i])) wrong++;
        }
        clearInterval(timer);
        return { turns, wrong };
      }, right);
      expect(found).toEqual({ turns: 20, wrong: 0 });
    });

    test('other calls come between them', async ({ page }) => {
      const found = await page.evaluate(async () => {
        const { failureOf, modelUrl, runSmall } = window.harness;
        const session = await window.sardonyx.load(modelUrl('small'));
        const answers: number[][] = [];
        const aborted: unknown[] = [];
        for (let i = 0; i < 100; i++) {
          answers.push(await runSmall(session));
          const runs = [runSmall(session), runSmall(session)];
          const controller = new AbortController();
          const x = new window.sardonyx.Tensor('float32', new Float32Array(4), [1, 4]);
          const stopped = session.run({ x }, { signal: controller.signal });
          controller.abort('stop');
          aborted.push(await stopped.catch((reason: unknown) => reason));
          answers.push(...(await Promise.all(runs)));
          if (i % 10 === 0) await session.explain();
          if (i % 50 === 25) await session.swap({ module: 'simd' });
        }
        const last = failureOf(runSmall(session));
        await session.dispose();
        return { answers, aborted, last: await last };
      });
      expect(found.answers).toHaveLength(300);
      for (const answer of found.answers) expect(answer).toEqual(right);
      expect(found.aborted).toEqual(Array.from({ length: 100 }, () => 'stop'));
      expect(found.last === undefined || found.last.code === 'SESSION_DISPOSED').toBe(true);
    });

    test('a worker that ends among them is replaced, and none is lost', async ({ page }) => {
      const found = await page.evaluate(async () => {
        const { modelUrl, runSmall, swaps } = window.harness;
        const workers = swaps.watchWorkers();
        const session = await window.sardonyx.load(modelUrl('small'), {
          assets: { base: '/broken/lane/' },
          force: { threads: 1 },
        });
        const seen = swaps.listen(session);
        const answers: number[][] = [];
        for (let i = 0; i < 300; i++) answers.push(await runSmall(session));
        workers[0]!.postMessage({ type: 'trap' });
        for (let i = 0; i < 100_000 && (seen.length < 2 || i < 300); i++) {
          answers.push(await runSmall(session));
        }
        return { answers, seen, workers: workers.length };
      });
      for (const answer of found.answers) expect(answer).toEqual(right);
      expect(found.workers).toBe(2);
      expect(found.seen).toEqual([
        'recover cpu-relaxed > cpu-relaxed ENGINE_TRAP',
        'route cpu-relaxed > cpu-relaxed',
      ]);
    });

    test('a state that grows from run to run', async ({ page }) => {
      const found = await page.evaluate(async () => {
        const { Tensor, load } = window.sardonyx;
        const session = await load(window.harness.modelUrl('growing'), { force: { threads: 1 } });
        let state: Tensor = new Tensor('float32', new Float32Array(0), [0, 64]);
        let bytes = 0;
        for (let i = 0; i < 400; i++) {
          const row = new Tensor('float32', new Float32Array(64).fill(i), [1, 64]);
          const { longer } = await session.run({ state, row });
          state = longer!;
          bytes = session.memoryBytes;
        }
        const rows = Array.from({ length: 400 }, (_, i) => state.data[64 * i + 63]);
        return { shape: state.shape, rows, bytes };
      });
      expect(found.shape).toEqual([400, 64]);
      expect(found.rows).toEqual(Array.from({ length: 400 }, (_, i) => i));
      expect(found.bytes).toBeGreaterThan(0);
    });
  });
}
