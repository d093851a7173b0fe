import { expect, it } from 'vitest';
import { bestGlyphs } from '../../../web/demo/glyph_scores';

const labels = ['0', '1', 'A', 'O'];

it('adds the probabilities of look-alikes and sorts', () => {
  const best = bestGlyphs([0.2, 0.1, 0.35, 0.35], labels, [['0', 'O']], 2);
  expect(best.map(({ characters }) => characters)).toEqual([['O', '0'], ['A']]);
  expect(best[0]?.probability).toBeCloseTo(0.55);
  expect(best[1]?.probability).toBeCloseTo(0.35);
});

it('takes fewer labels than asked for, and no look-alikes', () => {
  const best = bestGlyphs([0.1, 0.2, 0.3, 0.4], labels, [], 9);
  expect(best.map(({ characters }) => characters.join())).toEqual(['O', 'A', '1', '0']);
});

it('leaves out look-alikes that the model does not know', () => {
  const best = bestGlyphs([0.1, 0.2, 0.3, 0.4], labels, [['1', 'I']], 4);
  expect(best).toHaveLength(4);
  expect(best[2]).toEqual({ characters: ['1'], probability: 0.2 });
});
