import { beforeEach, describe, expect, it, vi } from 'vitest';
import { calibrate } from '../../router/calibration.js';
import { MODELS } from '../../router/calibration_models.generated.js';
import type { Feed, Route } from '../../router/route.js';
import { costOf, forgetSpeeds, knownSpeeds, rememberSpeed, TABLE } from '../../router/speeds.js';

const script = '../../tools/generate_calibration.mjs';
const { generate, models } = (await import(script)) as {
  generate: () => Promise<string>;
  models: () => { float: Uint8Array; integer: Uint8Array };
};

it('tools/generate_calibration.mjs wrote the file that is in the repository', async () => {
  const { readFileSync } = await import('node:fs');
  const file = new URL('../../router/calibration_models.generated.ts', import.meta.url);
  expect(readFileSync(file, 'utf8')).toBe(await generate());
  expect(MODELS.float).toBe(Buffer.from(models().float).toString('base64'));
});

// Routes whose runs take `float` and `integer` ms after 200 ms, ten times as long before.
async function play(
  [float, integer]: readonly [number, number],
  {
    idle = () => true,
    fails,
    tick,
    disturb,
  }: {
    idle?: (spent: number) => boolean;
    fails?: number;
    // Of the clock, in ms.
    tick?: number;
    // Every that many runs take 30 ms longer.
    disturb?: number;
  } = {},
) {
  let clock = 0;
  let disposed = 0;
  let runs = 0;
  const types: string[] = [];
  const started: number[] = [];
  const result = calibrate({
    start: (model) => {
      started.push(model.length);
      const ms = started.length === 1 ? float : integer;
      const route = {
        run: ([feed]: readonly Feed[]) => {
          if (clock < 2 * ms) types.push(feed!.type);
          clock += clock < 200 ? ms * 10 : ms;
          if (disturb !== undefined && ++runs % disturb === 0) clock += 30;
          return fails !== undefined && clock > fails
            ? Promise.reject(new Error('trap'))
            : Promise.resolve([]);
        },
        dispose: () => {
          disposed++;
          return Promise.resolve();
        },
      };
      return Promise.resolve(route as unknown as Route);
    },
    idle: () => Promise.resolve(idle(clock)),
    now: () => (tick === undefined ? clock : Math.floor(clock / tick) * tick),
  });
  const speed = await result.catch((thrown: unknown) => (thrown as Error).message);
  return { speed, spent: clock, disposed, started, types };
}

describe('calibrate', () => {
  it('finds the speed of integers after the warm-up, and ends its routes', async () => {
    const { float, integer } = models();
    expect(await play([4, 2])).toMatchObject({
      speed: 2,
      disposed: 2,
      started: [float.length, integer.length],
    });
    expect((await play([2, 4])).speed).toBe(0.5);
  });

  it('takes 600 ms of runs and one pair at most', async () => {
    const { spent } = await play([5, 7]);
    expect(spent).toBeGreaterThanOrEqual(600);
    expect(spent).toBeLessThanOrEqual(612);
  });

  it('says nothing where runs take too long to have enough of them', async () => {
    expect((await play([90, 80])).speed).toBeUndefined();
  });

  it('is not misled by a clock that ticks in milliseconds, nor by what else the machine does', async () => {
    const { speed } = await play([2.7, 1.45], { tick: 1, disturb: 9 });
    expect(speed).toBeGreaterThan(1.6);
    expect(speed).toBeLessThan(2.1);
  });

  it('says nothing when the clock stands still', async () => {
    const found = await play([4, 2], { tick: 1e9, idle: (spent) => spent < 5000 });
    expect(found).toMatchObject({ speed: undefined, disposed: 2 });
  });

  it('ends when the page has no time', async () => {
    const found = await play([4, 2], { idle: (spent) => spent < 100 });
    expect(found).toMatchObject({ speed: undefined, disposed: 2 });
    expect(found.spent).toBeLessThan(200);
  });

  it('ends its routes when one fails', async () => {
    expect(await play([4, 2], { fails: 100 })).toMatchObject({ speed: 'trap', disposed: 2 });
  });
});

describe('speeds', () => {
  beforeEach(() => forgetSpeeds());

  it('are those of the table until they are measured, and after a failure', () => {
    expect(knownSpeeds(8)).toBe(TABLE);
    rememberSpeed(0.7, 8);
    expect(knownSpeeds(8)).toEqual({ int8: 0.7, measured: true });
    forgetSpeeds();
    expect(knownSpeeds(8)).toBe(TABLE);
  });

  it('are void on another machine and after a week', () => {
    vi.useFakeTimers({ now: 1e12 });
    try {
      rememberSpeed(0.7, 8);
      expect(knownSpeeds(4)).toBe(TABLE);
      vi.setSystemTime(1e12 + 8 * 24 * 3600e3);
      expect(knownSpeeds(8)).toBe(TABLE);
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([NaN, 0, -1])('are no %s', (int8) => {
    rememberSpeed(int8, 8);
    expect(knownSpeeds(8)).toBe(TABLE);
  });

  it('say what a run costs', () => {
    const measured = { int8: 0.5, measured: true };
    expect(costOf('cpu', 'int8', measured)).toBe(2);
    expect(costOf('cpu', 'fp16', measured)).toBe(1);
    expect(costOf('webgpu', 'int8', measured)).toBe(1);
    expect(costOf('cpu', 'int4', TABLE)).toBe(1 / 1.3);
  });
});
