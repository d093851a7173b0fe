// The smoke test in each browser engine: pages that drive themselves and post what they find.
import { engines } from './engines/browsers';
import type { Running } from './engines/browser_process';
import { Inbox } from './engines/reports';
import { dataSets, haveShared, noShared } from './golden';
import type { GlyphsResult, GoldenResult, SmokePlan, Started, StoredResult } from './page/smoke';
import { expect, test } from './site';

/** A CNN and an audio model. */
const goldenModels = ['speech_commands_squeezenet', 'dtln_1'];
const precisions = ['fp32', 'fp16'];
const STEP_MS = 90_000;

for (const engine of engines) {
  for (const isolated of [true, false]) {
    test.describe(`${engine.name}, ${isolated ? 'isolated' : 'not isolated'}`, () => {
      let inbox: Inbox;
      let browser: Running | undefined;

      test.beforeAll(async ({ browser: chromium, site }) => {
        inbox = new Inbox();
        const golden = haveShared ? goldenModels : [];
        const plan: SmokePlan = {
          golden: golden.map((model) => ({ model, sets: dataSets(model) })),
          glyphs: precisions,
        };
        const server = isolated ? site.isolated : site.plain;
        const query = new URLSearchParams({ run: inbox.run, plan: JSON.stringify(plan) });
        browser = await engine.open(`${server.url}page/smoke?${query}`, chromium);
      });

      test.afterAll(async () => {
        inbox.close();
        await browser?.close();
      });

      /** The result of a step; what the browser has printed goes with a failure. */
      const result = <T>(step: string): Promise<T> =>
        inbox.result<T>(step, STEP_MS).catch((error: unknown) => {
          throw new Error(`${String(error)}\n${browser?.log()}`);
        });

      test('starts', async () => {
        const started = await result<Started>('start');
        const threaded = isolated && engine.threads;
        expect(started.output).toEqual([1, 0, 1.5, 8]);
        expect(started.isolated).toBe(isolated);
        expect(started.module).toBe(engine.module);
        if (threaded) expect(started.threads).toBeGreaterThan(1);
        else expect(started.threads).toBe(1);
        if (isolated) expect(started.sharedArrayBuffer).toBe(engine.threads);
      });

      test('keeps the file of a manifest', async () => {
        const { visits, listed, left } = await result<StoredResult>('stored');
        for (const visit of visits) {
          expect(visit).toMatchObject({ output: [1, 0, 1.5, 8], offline: 'ready' });
        }
        expect(visits[0]?.why).toContain('file from network');
        expect(visits[1]?.why).toContain('file from storage');
        expect(listed).toMatchObject([{ name: 'small', complete: true }]);
        expect(left).toBe(0);
      });

      for (const model of goldenModels) {
        test(`${model} matches the reference`, async () => {
          test.skip(!haveShared, noShared);
          const found = Object.entries(await result<GoldenResult>(model));
          expect(found.length).toBe(dataSets(model).length);
          for (const [set, differences] of found) {
            for (const worst of differences) {
              expect(worst.ratio, `${set}: ${JSON.stringify(worst)}`).toBeLessThanOrEqual(1);
            }
          }
        });
      }

      for (const precision of precisions) {
        test(`glyphs ${precision} gives the known answers`, async () => {
          const answers = await result<GlyphsResult>(`glyphs ${precision}`);
          expect(answers.length).toBeGreaterThan(1);
          for (const { title, label, difference, tolerance } of answers) {
            expect(label).toBe(title);
            expect(difference).toBeLessThanOrEqual(tolerance);
          }
        });
      }
    });
  }
}
