// The models against reference outputs, in each way that a page can run them.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { dataSets, hasStream, haveShared, measureOf, models, noShared, shared } from './golden';
import { expect, sharedPage, test } from './site';

interface Story {
  prompt_tokens: number[];
  reference_tokens_numpy_fp64: number[];
  variants: Record<string, { tokens: number[]; top1_minus_top2: number[] }>;
}

/** 12 words: letters, and the predictions of each step (see transduce in page/decoders.ts). */
interface Words {
  blank: number;
  words: { word: string; src: number[]; preds: number[] }[];
}

const readJson = (name: string): unknown =>
  JSON.parse(readFileSync(join(shared, 'golden/e2e', name), 'utf8'));
const readStory = () => readJson('llm_stories260k.json') as Story;

/** These write what exact arithmetic writes. */
const exactWriters = [
  'stories260k_fp32',
  'stories260k_fp16',
  'stories260k_gqa_fp32',
  'stories260k_gqa_q8',
  'stories260k_opset23',
];
/** In these, rounding may tip a choice between two tokens that are nearly as good. */
const coarseWriters = ['stories260k_gqa_q4', 'stories260k_int8dyn'];
const closeChoice = 0.5;

interface Way {
  readonly title: string;
  readonly isolated: boolean;
  /** Whether it runs those models too that one way has to do for. */
  readonly all: boolean;
  readonly options: { force?: { module: 'relaxed' | 'simd' } };
}

const ways: Way[] = [
  {
    title: 'relaxed SIMD, isolated',
    isolated: true,
    all: true,
    options: { force: { module: 'relaxed' } },
  },
  { title: 'SIMD, isolated', isolated: true, all: false, options: { force: { module: 'simd' } } },
  { title: 'not isolated', isolated: false, all: false, options: {} },
];

test('the table has every model', () => {
  test.skip(!haveShared, noShared);
  const files = readdirSync(join(shared, 'models')).map((file) => file.replace('.onnx', ''));
  expect(Object.keys(models).sort()).toEqual(files.sort());
});

for (const { title, isolated, all, options } of ways) {
  test.describe(`golden outputs: ${title}`, () => {
    test.skip(!haveShared, noShared);
    const page = sharedPage(isolated ? 'isolated' : 'plain');

    for (const [model, { once }] of Object.entries(models)) {
      if (once && !all) continue;
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

    for (const model of exactWriters) {
      test(`${model} writes the same 128 tokens`, async () => {
        const { prompt_tokens, reference_tokens_numpy_fp64 } = readStory();
        const wanted = reference_tokens_numpy_fp64.slice(0, 128);
        expect(await decode(model, prompt_tokens, wanted.length)).toEqual(wanted);
      });
    }

    for (const model of coarseWriters) {
      test(`${model} writes what it should, up to a close call`, async () => {
        const { prompt_tokens, variants } = readStory();
        const { tokens: wanted, top1_minus_top2 } = variants[model]!;
        const tokens = await decode(model, prompt_tokens, wanted.length);
        const different = tokens.findIndex((token, i) => token !== wanted[i]);
        if (different >= 0) expect(top1_minus_top2[different]).toBeLessThanOrEqual(closeChoice);
      });
    }

    test('g2p_arpabet_rnnt spells words', async () => {
      const { blank, words } = readJson('g2p_arpabet.json') as Words;
      expect(words.length).toBe(12);
      const predictions = await page().evaluate(
        async ({ words, blank, options }) => {
          const session = await window.harness.loadShared('g2p_arpabet_rnnt', options);
          const found: number[][] = [];
          for (const { src } of words) {
            found.push(await window.harness.transduce(session, src, blank));
          }
          await session.dispose();
          return found;
        },
        { words, blank, options },
      );
      expect(predictions).toEqual(words.map(({ preds }) => preds));
    });
  });
}
