// Routes that end, fail and do not start.
import { describe, expect, it } from 'vitest';
import { healthOf, wakeTime } from '../../router/machine.js';
import {
  type At,
  asked,
  bug,
  type Case,
  failed,
  itPlays,
  lost,
  moved,
  noMemory,
  play,
  rivals,
  tick,
  trap,
} from './machine_player.js';

const failures: readonly Case[] = [
  {
    name: 'a first trap starts the same route anew',
    events: [[0, trap]],
    moves: ['respawn fp32'],
    state: 'starting',
    active: 'fp32',
  },
  {
    name: 'after which it serves',
    events: [
      [0, trap],
      [1, moved],
    ],
    moves: ['respawn fp32'],
    state: 'serving',
    active: 'fp32',
  },
  {
    name: 'a second within a minute goes to the next candidate',
    events: [
      [0, trap],
      [1, moved],
      [59, trap],
    ],
    moves: ['respawn fp32', 'failover gpu'],
    state: 'starting',
    active: 'fp32',
  },
  {
    name: 'a second after more than a minute counts as a first',
    events: [
      [0, trap],
      [1, moved],
      [61, trap],
      [62, moved],
    ],
    moves: ['respawn fp32', 'respawn fp32'],
    state: 'serving',
    active: 'fp32',
  },
  {
    name: 'a hang and a dead worker count as traps',
    events: [
      [0, { type: 'error', code: 'ENGINE_HUNG', closed: true }],
      [1, moved],
      [2, trap],
    ],
    from: 'gpu',
    moves: ['respawn gpu', 'failover int8'],
    state: 'starting',
    active: 'gpu',
  },
  {
    name: 'a route that ended without a fault is started anew, however often',
    events: [
      [0, lost],
      [1, moved],
      [2, lost],
      [3, moved],
      [4, lost],
      [5, moved],
    ],
    moves: ['respawn fp32', 'respawn fp32', 'respawn fp32'],
    state: 'serving',
    active: 'fp32',
  },
  {
    name: 'two errors that leave the engine alive change nothing',
    events: [
      [0, bug],
      [1, bug],
    ],
    moves: [],
    state: 'serving',
    active: 'fp32',
  },
  {
    name: 'three within a minute open the breaker',
    events: [
      [0, bug],
      [1, bug],
      [2, bug],
    ],
    moves: ['failover gpu'],
    state: 'starting',
    active: 'fp32',
  },
  {
    name: 'three in more than a minute do not',
    events: [
      [0, bug],
      [40, bug],
      [70, bug],
      [110, bug],
    ],
    moves: [],
    state: 'serving',
    active: 'fp32',
  },
  {
    name: 'no memory: the first with fewer bytes',
    events: [
      [0, noMemory],
      [1, moved],
    ],
    from: 'gpu',
    moves: ['failover int8'],
    state: 'serving',
    active: 'int8',
    home: 'gpu',
  },
  {
    name: 'no memory on the smallest is a matter of the request',
    events: [
      [0, noMemory],
      [1, noMemory],
      [2, noMemory],
    ],
    from: 'int8',
    moves: [],
    state: 'serving',
    active: 'int8',
  },
  {
    name: 'a candidate that does not start is passed over',
    events: [
      [0, trap],
      [1, failed('ENGINE_START')],
      [2, failed('SELFTEST_FAILED')],
      [3, moved],
    ],
    from: 'gpu',
    moves: ['respawn gpu', 'failover int8', 'failover fp32'],
    state: 'serving',
    active: 'fp32',
    home: 'gpu',
    wakes: 6,
  },
  {
    name: 'back to the better one when its time is over: a trial beside',
    events: [
      [0, trap],
      [1, failed('ENGINE_START')],
      [2, moved],
      [6, tick],
      [7, moved],
    ],
    from: 'gpu',
    moves: ['respawn gpu', 'failover int8', 'better gpu'],
    state: 'serving',
    active: 'gpu',
    home: 'gpu',
  },
  {
    name: 'not before its time',
    events: [
      [0, trap],
      [1, failed('ENGINE_START')],
      [2, moved],
      [5.9, tick],
    ],
    from: 'gpu',
    moves: ['respawn gpu', 'failover int8'],
    state: 'serving',
    active: 'int8',
    wakes: 6,
  },
  {
    name: 'not on a hidden page',
    events: [
      [0, trap],
      [1, failed('ENGINE_START')],
      [2, moved],
      [7, { type: 'tick', hidden: true }],
    ],
    from: 'gpu',
    moves: ['respawn gpu', 'failover int8'],
    state: 'serving',
    active: 'int8',
  },
  {
    name: 'a trial that fails waits longer: 5 s, 30 s, 5 min, never again',
    events: [
      [0, trap],
      [1, failed('ENGINE_START')],
      [2, moved],
      [6, tick],
      [10, failed('ENGINE_START')],
      [39, tick],
      [40, tick],
      [50, failed('ENGINE_START')],
      [349, tick],
      [350, tick],
      [351, failed('ENGINE_START')],
      [9999, tick],
    ],
    from: 'gpu',
    moves: ['respawn gpu', 'failover int8', 'better gpu', 'better gpu', 'better gpu'],
    state: 'serving',
    active: 'int8',
  },
  {
    name: 'a wrong answer in a trial is never asked for again',
    events: [
      [0, trap],
      [1, failed('ENGINE_START')],
      [2, moved],
      [6, tick],
      [7, failed('SELFTEST_FAILED')],
      [9999, tick],
    ],
    from: 'gpu',
    moves: ['respawn gpu', 'failover int8', 'better gpu'],
    state: 'serving',
    active: 'int8',
  },
  {
    name: 'a trap of the active route waits for the trial beside it',
    events: [
      [0, asked('int8')],
      [1, trap],
      [2, moved],
    ],
    moves: ['asked int8'],
    state: 'serving',
    active: 'int8',
    home: 'int8',
  },
  {
    name: 'and has its own turn when the trial fails',
    events: [
      [0, asked('int8')],
      [1, trap],
      [2, failed('ENGINE_START')],
      [2, lost],
    ],
    moves: ['asked int8', 'respawn fp32'],
    state: 'starting',
    active: 'fp32',
  },
  {
    name: 'or the next candidate has, when it failed too often',
    events: [
      [0, trap],
      [1, moved],
      [2, asked('int8')],
      [3, trap],
      [4, failed('ENGINE_START')],
    ],
    moves: ['respawn fp32', 'asked int8', 'failover gpu'],
    state: 'starting',
    active: 'fp32',
  },
];

describe('failures', () => itPlays(failures));

describe('with one route', () => {
  const alone = [rivals[2]!];
  const twice: readonly At[] = [
    [0, trap],
    [1, moved],
    [2, trap],
  ];

  it('is exhausted after the second trap and tries again in 5 s', () => {
    const { machine, moves } = play(twice, 'fp32', alone);
    expect(moves).toEqual(['respawn fp32']);
    expect(machine.state).toBe('exhausted');
    expect(wakeTime(machine, alone)).toBe(7000);
    const early = play([[6.9, tick]], machine, alone);
    expect(early.machine.state).toBe('exhausted');
    const again = play(
      [
        [7, tick],
        [8, moved],
      ],
      machine,
      alone,
    );
    expect(again.moves).toEqual(['failover fp32']);
    expect(again.machine.state).toBe('serving');
  });

  it('waits for the network without counting it', () => {
    let { machine } = play(
      [
        [0, lost],
        [1, failed('NETWORK_FAILED')],
      ],
      'fp32',
      alone,
    );
    for (let second = 6; second < 60; second += 6) {
      expect(wakeTime(machine, alone)).toBe(second * 1000);
      ({ machine } = play(
        [
          [second, tick],
          [second + 1, failed('NETWORK_FAILED')],
        ],
        machine,
        alone,
      ));
      expect(machine.state).toBe('exhausted');
    }
    expect(healthOf(machine, 'fp32').opened).toBe(0);
  });

  it('never tries a wrong model again, until a swap asks', () => {
    const { machine } = play(
      [
        [0, lost],
        [1, failed('MODEL_EMPTY')],
      ],
      'fp32',
      alone,
    );
    expect(machine.state).toBe('exhausted');
    expect(wakeTime(machine, alone)).toBeUndefined();
    const asking = play([[2, asked('fp32')]], machine, alone);
    expect(asking.machine.state).toBe('swapping');
    expect(play([[3, failed('MODEL_EMPTY')]], asking.machine, alone).machine.state).toBe(
      'exhausted',
    );
    expect(play([[3, moved]], asking.machine, alone).machine.state).toBe('serving');
  });

  it('does nothing when disposed', () => {
    const { machine } = play([[0, { type: 'disposed' }]], 'fp32', alone);
    const after = play([...twice, [3, asked('fp32')], [9, tick]], machine, alone);
    expect(after).toEqual({ machine, moves: [] });
    expect(wakeTime(machine, alone)).toBeUndefined();
  });
});
