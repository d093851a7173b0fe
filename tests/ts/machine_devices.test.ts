// A device that goes away, and what load() passed over.
import { describe, expect, it } from 'vitest';
import { begin, type Happening, wakeTime } from '../../router/machine.js';
import type { ErrorCode } from '../../worker/errors.generated.js';
import {
  asked,
  type At,
  type Case,
  failed,
  itPlays,
  moved,
  noMemory,
  play,
  rivals,
  tick,
  trap,
  window,
} from './machine_player.js';

const left = (again: boolean): Happening => ({ type: 'left', to: 'fp32', again });

const losses: readonly Case[] = [
  {
    name: 'goes on as another route, and is asked for 5 s later',
    events: [[0, left(true)]],
    from: 'gpu',
    moves: [],
    state: 'serving',
    active: 'fp32',
    home: 'gpu',
    wakes: 5,
  },
  {
    name: 'is gone back to when it has started beside',
    events: [
      [0, left(true)],
      [5, tick],
      [6, moved],
    ],
    from: 'gpu',
    moves: ['better gpu'],
    state: 'serving',
    active: 'gpu',
    home: 'gpu',
  },
  {
    name: 'is not asked for while the page is hidden',
    events: [
      [0, left(true)],
      [9, { type: 'tick', hidden: true }],
    ],
    from: 'gpu',
    moves: [],
    state: 'serving',
    active: 'fp32',
  },
  {
    name: 'is not asked for when that is of no use, but by name',
    events: [
      [0, left(false)],
      [9999, tick],
      [10_000, asked('gpu')],
      [10_001, moved],
    ],
    from: 'gpu',
    moves: ['asked gpu'],
    state: 'serving',
    active: 'gpu',
  },
  {
    name: 'that gives a wrong answer when it is back is not asked for again',
    events: [
      [0, left(true)],
      [5, tick],
      [6, failed('SELFTEST_FAILED')],
      [9999, tick],
    ],
    from: 'gpu',
    moves: ['better gpu'],
    state: 'serving',
    active: 'fp32',
  },
  {
    name: 'leaves a route that starts anew by itself',
    events: [
      [0, left(true)],
      [1, trap],
      [2, moved],
      [5, tick],
    ],
    from: 'gpu',
    moves: ['respawn fp32', 'better gpu'],
    state: 'swapping',
    active: 'fp32',
  },
  {
    name: 'and whose memory is its own',
    events: [
      [0, left(true)],
      [1, noMemory],
      [2, moved],
      [5, tick],
    ],
    from: 'gpu',
    moves: ['failover int8', 'better gpu'],
    state: 'swapping',
    active: 'int8',
  },
  {
    name: 'ends a judgement about speed',
    events: [
      [0, window(400)],
      [1, moved],
      [2, left(false)],
      [3, window(900, false)],
    ],
    from: 'simd',
    moves: ['slow gpu'],
    state: 'serving',
    active: 'fp32',
  },
  {
    name: 'during a swap leaves the swap alone',
    events: [
      [0, asked('int8')],
      [1, left(true)],
      [2, moved],
      [9, tick],
    ],
    from: 'gpu',
    moves: ['asked int8'],
    state: 'serving',
    active: 'int8',
    home: 'int8',
  },
];

describe('a device that goes away', () => {
  itPlays(losses);

  it('is no place to go to while the page leaves it alone', () => {
    const { machine } = play([[0, left(true)]], 'gpu');
    const others = rivals.filter(({ id }) => id !== 'gpu');
    expect(wakeTime(machine, others)).toBeUndefined();
    const later: readonly At[] = [
      [5, tick],
      [6, trap],
      [7, moved],
      [8, trap],
    ];
    expect(play(later, machine, others).moves).toEqual(['respawn fp32', 'failover int8']);
  });
});

describe('what load() passed over', () => {
  const from = (...passedOver: readonly (readonly [string, ErrorCode])[]) =>
    begin(
      'fp32',
      passedOver.map(([id, code]) => ({ id, code })),
      0,
    );
  const all = rivals;

  it('is tried when its waiting time is over, longer each time', () => {
    const machine = from(['gpu', 'DEVICE_UNAVAILABLE']);
    expect(machine).toMatchObject({ state: 'serving', active: 'fp32', homes: ['gpu', 'fp32'] });
    expect(wakeTime(machine, all)).toBe(5000);
    const again = play(
      [
        [4.9, tick],
        [5, tick],
        [6, failed('ENGINE_START')],
        [35, tick],
        [36, tick],
        [37, moved],
      ],
      machine,
    );
    expect(again.moves).toEqual(['better gpu', 'better gpu']);
    expect(again.machine.active).toBe('gpu');
  });

  it.each(['SELFTEST_FAILED', 'MODEL_EMPTY', 'OPERATOR_UNSUPPORTED'] as const)(
    'for %s is never tried',
    (code) => {
      const machine = from(['gpu', code]);
      expect(machine.homes).toEqual(['fp32']);
      expect(wakeTime(machine, all)).toBeUndefined();
      expect(
        play(
          [
            [0, trap],
            [1, moved],
            [2, trap],
          ],
          machine,
        ).moves,
      ).toEqual(['respawn fp32', 'failover int8']);
    },
  );

  it('for want of a network is tried three times, while another route serves', () => {
    let { machine } = play([], from(['gpu', 'NETWORK_FAILED']));
    const tried: number[] = [];
    for (let second = 0; second < 2000; second++) {
      const next = play([[second, tick]], machine);
      if (next.moves.length > 0) tried.push(second);
      machine = play(
        next.moves.map(() => [second, failed('NETWORK_FAILED')]),
        next.machine,
      ).machine;
    }
    expect(tried).toEqual([5, 35, 335]);
  });

  it('is gone to in its order, and the best is still wanted then', () => {
    const machine = from(['gpu', 'ENGINE_START'], ['int8', 'OUT_OF_MEMORY']);
    const { moves, machine: after } = play(
      [
        [5, tick],
        [6, failed('ENGINE_START')],
        [7, tick],
        [8, moved],
        [30, tick],
        [36, tick],
        [37, moved],
        [99, tick],
      ],
      machine,
    );
    expect(moves).toEqual(['better gpu', 'better int8', 'better gpu']);
    expect(after.active).toBe('gpu');
  });

  it('is forgotten for what a caller asks for', () => {
    const { machine } = play(
      [
        [1, asked('simd')],
        [2, moved],
      ],
      from(['gpu', 'ENGINE_START']),
    );
    expect(machine.homes).toEqual(['simd']);
    expect(wakeTime(machine, all)).toBeUndefined();
  });
});
