// The models against reference outputs, in each way that a page can run them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataSets, floorOf, hasStream, haveShared, models, noShared, shared } from './golden';
import { expect, sharedPage, test } from './site';

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
          async ({ model, sets, floor, stream, options }) => {
            const { harness } = window;
            const session = await harness.loadShared(model, options);
            const { module, threads } = session.route;
            const differences: Record<string, Awaited<ReturnType<typeof harness.compareSet>>> = {};
            for (const set of sets)
              differences[set] = await harness.compareSet(session, model, set, floor);
            if (stream) differences.stream = await harness.compareStream(session, model);
            await session.dispose();
            return { module, threads, differences, isolated: crossOriginIsolated };
          },
          { model, sets, floor: floorOf(model), stream: hasStream(model), options },
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

    test('stories260k_fp32 writes the same 128 tokens', async () => {
      const file = join(shared, 'golden/e2e/llm_stories260k.json');
      const story = JSON.parse(readFileSync(file, 'utf8')) as {
        prompt_tokens: number[];
        reference_tokens_numpy_fp64: number[];
      };
      const wanted = story.reference_tokens_numpy_fp64.slice(0, 128);
      const tokens = await page().evaluate(
        async ({ prompt, count, options }) => {
          const session = await window.harness.loadShared('stories260k_fp32', options);
          const tokens = await window.harness.decodeGreedily(session, prompt, count);
          await session.dispose();
          return tokens;
        },
        { prompt: story.prompt_tokens, count: wanted.length, options },
      );
      expect(tokens).toEqual(wanted);
    });
  });
}
