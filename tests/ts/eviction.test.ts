import { describe, expect, it } from 'vitest';
import { type Resident, victims } from '../../router/eviction.js';

const of = (name: string, more: Partial<Resident> = {}): Resident => ({
  name,
  bytes: 10,
  priority: 0,
  lastUsed: 0,
  busy: false,
  ...more,
});
const room = { memoryBudget: 30, maxWorkers: Infinity, bytes: 10, workers: 1 };

describe('victims', () => {
  const [a, b, c] = [of('a', { lastUsed: 3 }), of('b', { lastUsed: 1 }), of('c', { lastUsed: 2 })];
  const cases: [string, Resident[], Partial<typeof room>, string[]][] = [
    ['nobody while there is room', [a, b], {}, []],
    ['nobody of nobody', [], { bytes: 99 }, []],
    ['the least recently used', [a, b, c], {}, ['b']],
    ['as many as it takes', [a, b, c], { bytes: 20 }, ['b', 'c']],
    ['all when nothing else does', [a, b, c], { bytes: 40 }, ['b', 'c', 'a']],
    ['low priorities first', [a, of('x', { priority: 1 }), b, c], { bytes: 20 }, ['b', 'c', 'a']],
    ['below 0 before 0', [a, b, of('x', { priority: -1, lastUsed: 9 })], {}, ['x']],
    ['busy ones last', [a, { ...b, busy: true }, c], { bytes: 20 }, ['c', 'a']],
    [
      'busy ones when all are',
      [
        { ...a, busy: true },
        { ...b, busy: true },
        { ...c, busy: true },
      ],
      {},
      ['b'],
    ],
    [
      'a busy one of low priority after an idle one of high',
      [of('x', { priority: -5, busy: true }), of('y', { priority: 5 }), a],
      {},
      ['a'],
    ],
    ['one worker too many', [a, b], { maxWorkers: 2 }, ['b']],
    [
      'workers although there is memory',
      [a, b, c],
      { memoryBudget: 99, maxWorkers: 1 },
      ['b', 'c', 'a'],
    ],
    [
      'those over the budget by themselves',
      [a, b, c, of('d', { lastUsed: 4 })],
      { bytes: 0, workers: 0 },
      ['b'],
    ],
  ];
  it.each(cases)('takes %s', (_, residents, more, names) => {
    expect(victims(residents, { ...room, ...more })).toEqual(names);
  });
});
