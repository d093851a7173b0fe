// The smoke test in each browser engine: pages that drive themselves and post what they find.
import { engines } from './engines/browsers';
import { Visitor } from './engines/visitor';
import { dataSets, haveShared, noShared } from './golden';
import type { GlyphsResult, GoldenResult, SmokePlan, Started, StoredResult } from './page/smoke';
import { expect, test } from './site';

/** A CNN and an audio model. */
const goldenModels = ['speech_commands_squeezenet', 'dtln_1'];
const variants = ['fp32', 'fp16', 'int8'];

for (const engine of engines) {
  for (const isolated of [true, false]) {
    test.describe(`${engine.name}, ${isolated ? 'isolated' : 'not isolated'}`, () => {
      let visitor: Visitor | undefined;
      const result = async <T>(step: string): Promise<T> => {
        if (!visitor) throw new Error('the browser is not open');
        return visitor.result<T>(step);
      };

      test.beforeAll(async ({ browser, site }) => {
        const golden = haveShared ? goldenModels : [];
        const plan: SmokePlan = {
          golden: golden.map((model) => ({ model, sets: dataSets(model) })),
          glyphs: variants,
        };
        const server = isolated ? site.isolated : site.plain;
        visitor = await Visitor.start(engine, {
          url: `${server.url}page/smoke`,
          query: { plan: JSON.stringify(plan) },
          reports: server,
          chromium: browser,
        });
      });

      test.afterAll(() => visitor?.close());

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

      for (const variant of variants) {
        test(`glyphs ${variant} gives the known answers`, async () => {
          const found = await result<GlyphsResult>(`glyphs ${variant}`);
          expect(found.variant).toBe(variant);
          expectKnownAnswers(found);
        });
      }

      test('glyphs in the variant of its choice on the CPU', async () => {
        const found = await result<GlyphsResult>('glyphs');
        expect(found.device).toBe('cpu');
        // Which one depends on how fast integers were measured to be.
        expect(variants).toContain(found.variant);
        expectKnownAnswers(found);
      });
    });
  }
}

function expectKnownAnswers({ answers }: GlyphsResult): void {
  expect(answers.length).toBeGreaterThan(1);
  for (const { title, label, difference, tolerance } of answers) {
    expect(label).toBe(title);
    expect(difference).toBeLessThanOrEqual(tolerance);
  }
}
