// What happens to requests: abort, time-out, queue, disposal, and a main thread that stays free.
import { expect, openPage, test } from './site';

/** What a run takes alone is far above this, so that what these tests stop is under way. */
const soon = 150;

/** Times are compared with what the machine does to timers of an idle page, so that its load does not count. */
function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))] ?? 0;
}

for (const isolated of [true, false]) {
  test.describe(isolated ? 'isolated' : 'not isolated', () => {
    test.beforeEach(async ({ page, site }) => {
      await openPage(page, isolated ? site.isolated : site.plain);
    });

    for (const [model, width] of [
      ['many-steps', 512],
      ['one-long-step', 2048],
    ] as const) {
      test(`abort during ${model}: at once, with the signal's reason, and the session goes on`, async ({
        page,
      }) => {
        const found = await page.evaluate(
          async ({ model, width, soon }) => {
            const { failureOf, gapsDuring, modelUrl, rows } = window.harness;
            const session = await window.sardonyx.load(modelUrl(model));
            const idle = await gapsDuring(new Promise((resolve) => setTimeout(resolve, 300)));
            const few = { x: rows(3, width) };
            const many = { x: rows(width === 512 ? 512 : 8192, width) };
            const { y: before } = await session.run(few);
            const delays: number[] = [];
            const reasons: (string | undefined)[] = [];
            for (let i = 0; i < 4; i++) {
              const controller = new AbortController();
              let aborted = 0;
              setTimeout(() => {
                aborted = performance.now();
                controller.abort(new Error(`stop ${i}`));
              }, soon);
              const failure = await failureOf(session.run(many, { signal: controller.signal }));
              delays.push(performance.now() - aborted);
              reasons.push(failure?.message);
            }
            const { y: after } = await session.run(few);
            const same =
              before?.data.length === after?.data.length &&
              Array.from(before?.data as Float32Array).every((v, i) => v === after?.data[i]);
            return { delays, reasons, same, bytes: many.x.data.length, idle: idle.timers };
          },
          { model, width, soon },
        );
        expect(found.reasons).toEqual(['stop 0', 'stop 1', 'stop 2', 'stop 3']);
        const noise = Math.max(...found.idle);
        expect(Math.min(...found.delays)).toBeLessThan(20 + noise);
        expect(Math.max(...found.delays)).toBeLessThan(250 + 4 * noise);
        expect(found.same).toBe(true);
        expect(found.bytes).toBeGreaterThan(0);
      });
    }

    test('the main thread stays free during a long run', async ({ page }) => {
      const { idle, running, ms } = await page.evaluate(async () => {
        const { gapsDuring, modelUrl, rows } = window.harness;
        const session = await window.sardonyx.load(modelUrl('many-steps'));
        const idle = await gapsDuring(new Promise((resolve) => setTimeout(resolve, 500)));
        const start = performance.now();
        const running = await gapsDuring(session.run({ x: rows(512, 512) }));
        return { idle, running, ms: performance.now() - start };
      });
      expect(ms).toBeGreaterThan(500);
      // With an engine on every core a timer may wait for a time slice or two.
      expect(percentile(running.timers, 95)).toBeLessThan(50 + 3 * percentile(idle.timers, 95));
      expect(Math.max(...running.timers)).toBeLessThan(ms / 2);
      expect(running.frames / ms).toBeGreaterThan((0.2 * idle.frames) / 500);
    });

    test('timeoutMs ends a run, and the session goes on', async ({ page }) => {
      const found = await page.evaluate(async () => {
        const { failureOf, gapsDuring, modelUrl, rows } = window.harness;
        const session = await window.sardonyx.load(modelUrl('many-steps'));
        await session.run({ x: rows(1, 512) });
        const idle = await gapsDuring(new Promise((resolve) => setTimeout(resolve, 300)));
        const start = performance.now();
        const failure = await failureOf(session.run({ x: rows(512, 512) }, { timeoutMs: 200 }));
        const ms = performance.now() - start;
        const { y } = await session.run({ x: rows(2, 512) });
        return { failure, ms, shape: y?.shape, idle: idle.timers };
      });
      expect(found.failure).toMatchObject({ code: 'RUN_TIMEOUT', scope: 'caller' });
      expect(found.ms).toBeGreaterThanOrEqual(199);
      expect(found.ms).toBeLessThan(600 + 4 * Math.max(...found.idle));
      expect(found.shape).toEqual([2, 512]);
    });

    test('the queue is first in, first out, and bounded', async ({ page }) => {
      const found = await page.evaluate(async () => {
        const { failureOf, modelUrl, rows } = window.harness;
        const session = await window.sardonyx.load(modelUrl('some-steps'), { queueLimit: 3 });
        const order: number[] = [];
        const runs = [40, 3, 2, 1].map((count) =>
          session.run({ x: rows(count, 512) }).then(({ y }) => {
            order.push(y?.shape[0] ?? -1);
          }),
        );
        const refused = [];
        for (let i = 0; i < 2; i++) refused.push(failureOf(session.run({ x: rows(1, 512) })));
        const failures = await Promise.all(refused);
        const settled = (await Promise.allSettled(runs)).map(({ status }) => status);
        const { y } = await session.run({ x: rows(5, 512) });
        return { failures, settled, order, shape: y?.shape };
      });
      const accepted = found.settled.filter((status) => status === 'fulfilled').length;
      expect(accepted).toBeGreaterThanOrEqual(3);
      expect(found.order).toEqual([40, 3, 2, 1].slice(0, accepted));
      for (const failure of found.failures) expect(failure?.code).toBe('QUEUE_FULL');
      expect(found.shape).toEqual([5, 512]);
    });

    test('a Loop that never ends is aborted, and the session goes on', async ({ page }) => {
      const found = await page.evaluate(async (soon) => {
        const { failureOf, modelUrl } = window.harness;
        const session = await window.sardonyx.load(modelUrl('counting'));
        const { Tensor } = window.sardonyx;
        const x = new Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 4]);
        const count = (n: bigint) => new Tensor('int64', BigInt64Array.of(n), []);
        const stop = AbortSignal.timeout(soon);
        const endless = { x, count: count(2n ** 63n - 1n) };
        const failure = await failureOf(session.run(endless, { signal: stop }));
        const { y } = await session.run({ x, count: count(5n) });
        return { aborted: failure?.name, y: Array.from(y!.data as Float32Array) };
      }, soon);
      expect(found).toEqual({ aborted: 'TimeoutError', y: [6, 7, 8, 9] });
    });

    test('an abort in the queue takes only that request', async ({ page }) => {
      const found = await page.evaluate(async () => {
        const { failureOf, modelUrl, rows } = window.harness;
        const session = await window.sardonyx.load(modelUrl('some-steps'));
        const controller = new AbortController();
        const first = session.run({ x: rows(64, 512) });
        const second = failureOf(session.run({ x: rows(2, 512) }, { signal: controller.signal }));
        const third = session.run({ x: rows(3, 512) });
        controller.abort();
        const shapes = [];
        for (const run of [first, third]) shapes.push((await run).y?.shape[0]);
        const already = await failureOf(
          session.run({ x: rows(2, 512) }, { signal: AbortSignal.abort() }),
        );
        return { shapes, second: await second, already };
      });
      expect(found.shapes).toEqual([64, 3]);
      expect(found.second?.name).toBe('AbortError');
      expect(found.already?.name).toBe('AbortError');
    });

    test('dispose settles what is under way and refuses what comes later', async ({ page }) => {
      const found = await page.evaluate(async () => {
        const { failureOf, modelUrl, rows } = window.harness;
        const session = await window.sardonyx.load(modelUrl('many-steps'));
        const pending = failureOf(session.run({ x: rows(512, 512) }));
        const queued = failureOf(session.run({ x: rows(1, 512) }));
        await new Promise((resolve) => setTimeout(resolve, 100));
        await session.dispose();
        await session.dispose();
        const later = await failureOf(session.run({ x: rows(1, 512) }));
        return [await pending, await queued, later].map((failure) => failure?.code);
      });
      expect(found).toEqual(['SESSION_DISPOSED', 'SESSION_DISPOSED', 'SESSION_DISPOSED']);
    });

    test('a load is aborted during the download and before it', async ({ page, site }) => {
      const found = await page.evaluate(async () => {
        const { failureOf } = window.harness;
        const controller = new AbortController();
        setTimeout(() => controller.abort(new Error('enough')), 100);
        const stalled = await failureOf(
          window.sardonyx.load('/stalled/model.onnx', { signal: controller.signal }),
        );
        const before = await failureOf(
          window.sardonyx.load(window.harness.modelUrl('small'), { signal: AbortSignal.abort() }),
        );
        return { stalled: stalled?.message, before: before?.name };
      });
      expect(found).toEqual({ stalled: 'enough', before: 'AbortError' });
      expect(site.isolated.port).toBeGreaterThan(0);
    });
  });
}
