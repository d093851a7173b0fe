// Moves for speed, and those that a caller asks for.
import { describe, expect, it } from 'vitest';
import { HEALTHY } from '../../router/breaker.js';
import { begin, type Happening } from '../../router/machine.js';
import {
  asked,
  type Case,
  failed,
  itPlays,
  lost,
  moved,
  play,
  rivals,
  tick,
  trap,
  window,
} from './machine_player.js';

const speed: readonly Case[] = [
  {
    name: 'within the budget nothing moves',
    events: [[0, window(200, false)]],
    moves: [],
    state: 'serving',
    active: 'fp32',
  },
  {
    name: 'over it, the first that promises to be faster',
    events: [
      [0, window(400)],
      [1, moved],
    ],
    moves: ['slow gpu'],
    state: 'serving',
    active: 'gpu',
    home: 'gpu',
  },
  {
    name: 'no other when none promises that',
    events: [[0, window(400)]],
    from: 'int8',
    moves: [],
    state: 'serving',
    active: 'int8',
  },
  {
    name: 'a change that helps stays',
    events: [
      [0, window(400)],
      [1, moved],
      [40, window(350)],
    ],
    moves: ['slow gpu'],
    state: 'serving',
    active: 'gpu',
  },
  {
    name: 'one that does not is undone, and that way is barred; another is tried after 30 s',
    events: [
      [0, window(400)],
      [1, moved],
      [5, window(390)],
      [6, moved],
      [35, window(400)],
      [36, window(400)],
      [37, moved],
      [70, window(200)],
    ],
    moves: ['slow gpu', 'undo fp32', 'slow int8'],
    state: 'serving',
    active: 'int8',
  },
  {
    name: 'a change that can not be made is barred',
    events: [
      [0, window(400)],
      [1, failed('ENGINE_START')],
      [2, window(400)],
    ],
    moves: ['slow gpu', 'slow int8'],
    state: 'swapping',
    active: 'fp32',
  },
  {
    name: 'measured times count more than the promise',
    events: [
      [0, window(400)],
      [1, moved],
      [40, window(350)],
      [50, asked('fp32')],
      [51, moved],
      [90, window(400)],
      [91, moved],
    ],
    moves: ['slow gpu', 'asked fp32', 'slow int8'],
    state: 'serving',
    active: 'int8',
  },
  {
    name: 'no way back for speed where the promise is as good',
    events: [
      [0, window(400)],
      [1, moved],
      [50, window(350)],
      [90, window(350)],
    ],
    moves: ['slow gpu'],
    state: 'serving',
    active: 'gpu',
  },
  {
    name: 'nothing is begun while something else is under way',
    events: [
      [0, asked('simd')],
      [1, window(400)],
    ],
    moves: ['asked simd'],
    state: 'swapping',
    active: 'fp32',
  },
  {
    name: 'a judgement does not outlast a failure',
    events: [
      [0, window(400)],
      [1, moved],
      [2, trap],
      [3, moved],
      [4, window(390, false)],
    ],
    moves: ['slow gpu', 'respawn gpu'],
    state: 'serving',
    active: 'gpu',
  },
];

const wishes: readonly Case[] = [
  {
    name: 'a swap starts beside and then serves',
    events: [
      [0, asked('simd')],
      [1, moved],
    ],
    moves: ['asked simd'],
    state: 'serving',
    active: 'simd',
    home: 'simd',
  },
  {
    name: 'a failed one changes nothing',
    events: [
      [0, asked('simd')],
      [1, failed('SELFTEST_FAILED')],
      [2, trap],
    ],
    moves: ['asked simd', 'respawn fp32'],
    state: 'starting',
    active: 'fp32',
    home: 'fp32',
  },
  {
    name: 'a cancelled one changes nothing',
    events: [
      [0, asked('simd')],
      [1, { type: 'cancelled' }],
    ],
    moves: ['asked simd'],
    state: 'serving',
    active: 'fp32',
    home: 'fp32',
  },
  {
    name: 'a failed one to a new copy of the active route does not count against it',
    events: [
      [0, asked('fp32')],
      [1, failed('MODEL_EMPTY')],
      [2, lost],
    ],
    moves: ['asked fp32', 'respawn fp32'],
    state: 'starting',
    active: 'fp32',
  },
  {
    name: 'a route that was asked for has a clean record',
    events: [
      [0, trap],
      [1, moved],
      [2, trap],
      [3, moved],
      [4, asked('fp32')],
      [5, moved],
      [6, trap],
    ],
    moves: ['respawn fp32', 'failover gpu', 'asked fp32', 'respawn fp32'],
    state: 'starting',
    active: 'fp32',
  },
  {
    name: 'what is asked for is what is gone back to',
    events: [
      [0, asked('int8')],
      [1, moved],
      [2, trap],
      [3, failed('ENGINE_START')],
      [4, moved],
      [8, tick],
    ],
    moves: ['asked int8', 'respawn int8', 'failover gpu', 'better int8'],
    state: 'swapping',
    active: 'gpu',
    home: 'int8',
  },
];

const alone: Happening = { type: 'alone' };

const withoutRoom: readonly Case[] = [
  {
    name: 'the active route ends before the other one starts',
    events: [
      [0, asked('simd')],
      [1, alone],
    ],
    moves: ['asked simd'],
    state: 'starting',
    active: 'fp32',
  },
  {
    name: 'which then serves',
    events: [
      [0, asked('simd')],
      [1, alone],
      [2, moved],
    ],
    moves: ['asked simd'],
    state: 'serving',
    active: 'simd',
    home: 'simd',
  },
  {
    name: 'if it does not start, the old one starts again',
    events: [
      [0, asked('simd')],
      [1, alone],
      [2, failed('SELFTEST_FAILED')],
      [3, moved],
    ],
    moves: ['asked simd', 'respawn fp32'],
    state: 'serving',
    active: 'fp32',
    home: 'fp32',
  },
  {
    name: 'so it does when the swap is given up',
    events: [
      [0, asked('simd')],
      [1, alone],
      [2, { type: 'cancelled' }],
    ],
    moves: ['asked simd', 'respawn fp32'],
    state: 'starting',
    active: 'fp32',
  },
  {
    name: 'and after a move for speed, which is barred',
    events: [
      [0, window(400)],
      [1, alone],
      [2, failed('OUT_OF_MEMORY')],
      [3, moved],
      [4, window(400)],
    ],
    moves: ['slow gpu', 'respawn fp32', 'slow int8'],
    state: 'swapping',
    active: 'fp32',
  },
  {
    name: 'if the old one does not start either, the next one does',
    events: [
      [0, asked('simd')],
      [1, alone],
      [2, failed('ENGINE_START')],
      [3, failed('ENGINE_START')],
      [4, moved],
    ],
    moves: ['asked simd', 'respawn fp32', 'failover gpu'],
    state: 'serving',
    active: 'gpu',
    home: 'fp32',
    wakes: 8,
  },
];

describe('speed', () => itPlays(speed));
describe('without room for two engines', () => itPlays(withoutRoom));
describe('wishes', () => itPlays(wishes));

it('a route that costs without end is the last resort, and is left for any other that is slow for it', () => {
  const among = [...rivals, { id: 'remote', bytes: 0, cost: Infinity }];
  const fast = {
    ...begin('fp32'),
    health: { remote: { ...HEALTHY, ms: 1 } },
    barred: ['fp32 > gpu', 'fp32 > int8'],
  };
  expect(play([[0, window(900)]], fast, among).moves).toEqual([]);
  expect(play([[0, window(900)]], 'remote', among).moves).toEqual(['slow gpu']);
});
