import { HEALTHY } from '../../router/breaker.js';
import { describe, expect, it } from 'vitest';
import {
  begin,
  type Happening,
  healthOf,
  type Machine,
  type Rival,
  step,
  wakeTime,
} from '../../router/machine.js';

// As a GPU, a quantized and two float routes would be ranked.
const rivals: readonly Rival[] = [
  { id: 'gpu', bytes: 400, cost: 1 },
  { id: 'int8', bytes: 100, cost: 1 },
  { id: 'fp32', bytes: 400, cost: 2 },
  { id: 'simd', bytes: 400, cost: 2 },
];

type At = readonly [seconds: number, happening: Happening];
interface Played {
  readonly machine: Machine;
  // The moves that began, as "reason to".
  readonly moves: readonly string[];
}

function play(events: readonly At[], from: Machine | string = 'fp32', among = rivals): Played {
  let machine = typeof from === 'string' ? begin(from) : from;
  const moves: string[] = [];
  for (const [seconds, happening] of events) {
    const next = step(machine, among, happening, seconds * 1000);
    machine = next.machine;
    if (next.begin) moves.push(`${next.begin.reason} ${next.begin.to}`);
  }
  return { machine, moves };
}

const trap: Happening = { type: 'error', code: 'ENGINE_TRAP', closed: true };
const bug: Happening = { type: 'error', code: 'INTERNAL', closed: false };
const noMemory: Happening = { type: 'error', code: 'OUT_OF_MEMORY', closed: false };
const moved: Happening = { type: 'moved' };
const lost: Happening = { type: 'lost' };
const tick: Happening = { type: 'tick', hidden: false };
const asked = (to: string): Happening => ({ type: 'asked', to });
const failed = (code: 'ENGINE_START' | 'SELFTEST_FAILED' | 'NETWORK_FAILED' | 'MODEL_EMPTY') =>
  ({ type: 'failed', code }) as const;
const window = (ms: number, over = true): Happening => ({ type: 'measured', ms, over });

interface Case {
  readonly name: string;
  readonly events: readonly At[];
  readonly from?: string;
  readonly moves: readonly string[];
  readonly state: Machine['state'];
  readonly active: string;
  readonly home?: string;
  // Seconds.
  readonly wakes?: number;
}

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

describe.each([
  ['failures', failures],
  ['speed', speed],
  ['wishes', wishes],
] as const)('%s', (_, cases) => {
  it.each(cases)('$name', ({ events, from, moves, state, active, home, wakes }) => {
    const played = play(events, from);
    expect(played.moves).toEqual(moves);
    expect(played.machine).toMatchObject({ state, active, ...(home ? { home } : {}) });
    if (wakes !== undefined) expect(wakeTime(played.machine)).toBe(wakes * 1000);
  });
});

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
    expect(wakeTime(machine)).toBe(7000);
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
      expect(wakeTime(machine)).toBe(second * 1000);
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
    expect(wakeTime(machine)).toBeUndefined();
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
    expect(wakeTime(machine)).toBeUndefined();
  });
});

describe('routes of a version that was rolled back', () => {
  const condemned: Happening = { type: 'condemned', ids: ['fp32', 'gpu'] };

  it('are left for the best of the others, beside them, at once', () => {
    const { machine, moves } = play([[0, condemned]]);
    expect(moves).toEqual(['better int8']);
    expect(machine).toMatchObject({ state: 'swapping', active: 'fp32', home: 'int8' });
  });

  it('are never gone to again: not after traps, not for speed, not when it is asked for', () => {
    const { machine, moves } = play([
      [0, condemned],
      [1, moved],
      [2, trap],
      [3, moved],
      [4, trap],
      [5, moved],
      [40, window(500)],
      [41, asked('gpu')],
      [42, moved],
      [43, tick],
    ]);
    expect(moves).toEqual([
      'better int8',
      'respawn int8',
      'failover simd',
      'slow int8',
      'asked gpu',
      'better int8',
    ]);
    expect(machine.home).toBe('int8');
  });

  it('do not start anew after a trap while the other one starts, which replaces them', () => {
    const { moves } = play([
      [0, condemned],
      [1, trap],
      [2, failed('ENGINE_START')],
      [3, lost],
    ]);
    expect(moves).toEqual(['better int8', 'failover simd']);
  });

  it('go on while no other starts, and are left when one does', () => {
    const { machine, moves } = play([
      [0, condemned],
      [1, failed('NETWORK_FAILED')],
      [2, tick],
      [7, tick],
      [8, moved],
    ]);
    expect(moves).toEqual(['better int8', 'better int8']);
    expect(machine).toMatchObject({ state: 'serving', active: 'int8' });
  });

  it('are left after the move that is under way', () => {
    const { machine, moves } = play([
      [0, asked('gpu')],
      [1, condemned],
      [2, moved],
    ]);
    expect(moves).toEqual(['asked gpu']);
    expect(wakeTime(machine)).toBe(0);
    expect(play([[3, tick]], machine).moves).toEqual(['better int8']);
  });

  it('that do not serve any more change where the session is at home', () => {
    const { machine, moves } = play([[0, condemned]], { ...begin('int8'), home: 'gpu' });
    expect(moves).toEqual([]);
    expect(machine).toMatchObject({ state: 'serving', active: 'int8', home: 'int8' });
  });
});
