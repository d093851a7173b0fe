// The models against reference outputs, in each way that a page can run them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataSets, hasStream, haveShared, measureOf, models, noShared, shared } from './golden';
import { expect, sharedPage, test } from './site';

interface Story {
  prompt_tokens: number[];
  reference_tokens_numpy_fp64: number[];
  variants: { stories260k_int8dyn: { tokens: number[]; top1_minus_top2: number[] } };
}

const readStory = (): Story =>
  JSON.parse(readFileSync(join(shared, 'golden/e2e/llm_stories260k.json'), 'utf8')) as Story;

interface Way {
  readonly title: string;
  readonly isolated: boolean;
  readonly options: { force?: { module: 'relaxed' | 'simd' } };
}

const ways: Way[] = [
  { title: 'relaxed SIMD, isolated', isolated: true, options: { force: { module: 'relaxed' } } },
  { title: 'SIMD, isolated', isolated: true, options: { force: { module: 'simd' } } },
  { title: 'not isolated', isolated: false, options: {} },
];

for (const { title, isolated, options } of ways) {
  test.describe(`golden outputs: ${title}`, () => {
    test.skip(!haveShared, noShared);
    const page = sharedPage(isolated ? 'isolated' : 'plain');

    for (const model of models) {
      test(model, async () => {
        const sets = dataSets(model);
        expect(sets.length).toBeGreaterThan(0);
        const found = await page().evaluate(
          async ({ model, measure, sets, stream, options }) => {
            const { harness } = window;
            const session = await harness.loadShared(model, options);
            const { module, threads } = session.route;
            const differences: Record<string, Awaited<ReturnType<typeof harness.compareSet>>> = {};
            for (const set of sets)
              differences[set] = await harness.compareSet(session, model, set, measure);
            if (stream) differences.stream = await harness.compareStream(session, model);
            await session.dispose();
            return { module, threads, differences, isolated: crossOriginIsolated };
          },
          { model, measure: measureOf(model), sets, stream: hasStream(model), options },
        );
        expect(found.isolated).toBe(isolated);
        expect(found.module).toBe(options.force?.module ?? 'relaxed');
        if (!isolated) expect(found.threads).toBe(1);
        for (const [set, differences] of Object.entries(found.differences)) {
          for (const worst of differences) {
            expect(worst.ratio, `${set}: ${JSON.stringify(worst)}`).toBeLessThanOrEqual(1);
          }
        }
      });
    }

    const decode = (model: string, prompt: number[], count: number): Promise<number[]> =>
      page().evaluate(
        async ({ model, prompt, count, options }) => {
          const session = await window.harness.loadShared(model, options);
          const tokens = await window.harness.decodeGreedily(session, prompt, count);
          await session.dispose();
          return tokens;
        },
        { model, prompt, count, options },
      );

    test('stories260k_fp32 writes the same 128 tokens', async () => {
      const { prompt_tokens, reference_tokens_numpy_fp64 } = readStory();
      const wanted = reference_tokens_numpy_fp64.slice(0, 128);
      expect(await decode('stories260k_fp32', prompt_tokens, wanted.length)).toEqual(wanted);
    });

    test('stories260k_int8dyn writes what it should, up to a close call', async () => {
      const { prompt_tokens, variants } = readStory();
      const { tokens: wanted, top1_minus_top2 } = variants.stories260k_int8dyn;
      const tokens = await decode('stories260k_int8dyn', prompt_tokens, wanted.length);
      const different = tokens.findIndex((token, i) => token !== wanted[i]);
      if (different >= 0) expect(top1_minus_top2[different]).toBeLessThanOrEqual(0.5);
    });
  });
}
