import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from '../../worker/failure.js';
import type { ErrorCode } from '../../worker/errors.generated.js';
import type { Rollout } from '../../manifest/parse.js';
import { bucketOf, isIn, judge } from '../../router/rollout.js';
import { NOTHING, parse, rolloutStore } from '../../router/rollout_store.js';
import { RolloutWatch } from '../../router/rollout_watch.js';
import type { LocalTarget, Target } from '../../router/target.js';
import { sampleManifest } from './sample_manifest.js';

describe('a bucket', () => {
  const clients = Array.from({ length: 4000 }, (_, i) => `client ${i}`);

  it('is the same for the same client, model and version', () => {
    expect(bucketOf('c', 'm', '2')).toBe(bucketOf('c', 'm', '2'));
    const others = [bucketOf('d', 'm', '2'), bucketOf('c', 'n', '2'), bucketOf('c', 'm', '3')];
    expect(others).not.toContain(bucketOf('c', 'm', '2'));
  });

  it.each([1, 10, 50])('of %i %% has so many of the clients', (percent) => {
    const inside = clients.filter((client) => isIn(bucketOf(client, 'm', '2'), { percent }));
    const expected = (clients.length * percent) / 100;
    // Four standard deviations.
    const spread = 4 * Math.sqrt(expected * (1 - percent / 100));
    expect(Math.abs(inside.length - expected)).toBeLessThan(spread);
  });

  it('of one version says nothing about that of the next', () => {
    const inside = (version: string) =>
      new Set(clients.filter((client) => isIn(bucketOf(client, 'm', version), { percent: 50 })));
    const [a, b] = [inside('1.0.1'), inside('1.0.2')];
    const both = [...a].filter((client) => b.has(client)).length;
    expect(both / clients.length).toBeGreaterThan(0.22);
    expect(both / clients.length).toBeLessThan(0.28);
  });

  it('of 0 % has nobody, of 100 % all', () => {
    for (const bucket of [0, 9999]) {
      expect(isIn(bucket, { percent: 0 })).toBe(false);
      expect(isIn(bucket, { percent: 100 })).toBe(true);
    }
    expect([0, 1].map((bucket) => isIn(bucket, { percent: 0.01 }))).toEqual([true, false]);
  });
});

describe('judge', () => {
  it.each([
    [0, 0, undefined, 'hold'],
    [2, 2, undefined, 'hold'],
    [3, 3, undefined, 'rolled back'],
    [600, 3, undefined, 'rolled back'],
    [601, 3, undefined, 'hold'],
    [2999, 0, undefined, 'hold'],
    [3000, 0, undefined, 'healthy'],
    [3000, 2, undefined, 'healthy'],
    [3000, 3, undefined, 'hold'],
    [3001, 3, undefined, 'healthy'],
    [3000, 15, undefined, 'rolled back'],
    [100, 3, 0.05, 'hold'],
    [60, 3, 0.05, 'rolled back'],
  ] as const)('%i runs, %i errors, budget %s: %s', (runs, errors, errorBudget, verdict) => {
    expect(judge({ runs, errors }, errorBudget === undefined ? {} : { errorBudget })).toBe(verdict);
  });
});

describe('the store', () => {
  it('adds up, keeps the first reason, and has one client', async () => {
    const store = rolloutStore(false);
    const { client } = await store.read();
    expect(client).toMatch(/^[0-9a-f]{32}$/);
    await store.add('k', { runs: 2, errors: 1 });
    await store.add('k', { runs: 1, errors: 0 }, 'first');
    expect(await store.add('k', { runs: 1, errors: 1 }, 'second')).toEqual({
      runs: 4,
      errors: 2,
      rolledBack: 'first',
    });
    expect(await rolloutStore(false).read()).toMatchObject({ client });
  });

  it('without a cache is that of the page', async () => {
    const { client } = await rolloutStore(false).read();
    expect((await rolloutStore(true).read()).client).toBe(client);
  });

  it.each([
    '',
    'null',
    '{}',
    '{"client":"","records":{}}',
    '{"client":"a","records":{"k":{"runs":-1,"errors":0}}}',
    '{"client":"a","records":{"k":{"runs":1,"errors":"0"}}}',
    '{"client":"a","records":{"k":null}}',
    '{"client":"a","records":{"k":{"runs":1,"errors":0,"rolledBack":1}}}',
  ])('does not read %s', (text) => expect(parse(text)).toBeUndefined());

  it('reads what it wrote', () => {
    const saved = { client: 'a', records: { k: { runs: 1, errors: 0, rolledBack: 'x' } } };
    expect(parse(JSON.stringify(saved))).toEqual(saved);
  });
});

describe('a watch', () => {
  const target = (candidate: boolean, change: Partial<LocalTarget> = {}): Target => ({
    variant: sampleManifest().variants[0]!,
    device: 'cpu',
    module: 'simd',
    threads: 1,
    why: [],
    release: { manifest: sampleManifest(), url: 'https://example.org/', candidate },
    ...change,
  });
  const candidate = target(true);
  let stored: [number, number, string | undefined][];
  let left: string[];
  let verdicts: string[];
  let elsewhere: string | undefined;

  function watchOf(change: Partial<Rollout> = {}, record = NOTHING, serves = true) {
    const rollout: Rollout = { url: 'v2', version: '2', percent: 100, ...change };
    const watch = new RolloutWatch({
      rollout,
      key: 'k',
      record,
      store: {
        add(_, { runs, errors }, rolledBack) {
          stored.push([runs, errors, rolledBack]);
          const sum = (index: 0 | 1) => stored.reduce((total, entry) => total + entry[index], 0);
          return Promise.resolve({
            runs: record.runs + sum(0),
            errors: record.errors + sum(1),
            ...(elsewhere === undefined ? {} : { rolledBack: elsewhere }),
          });
        },
      },
    });
    watch.begin(
      {
        leave: (why) => void left.push(why),
        onVerdict: (verdict) => void verdicts.push(verdict),
      },
      serves,
    );
    return {
      watch,
      run: (count: number, ms = 1) => {
        for (let i = 0; i < count; i++) watch.observe({ target: candidate, ms });
      },
      fail: (code: ErrorCode) =>
        watch.observe({ target: candidate, failure: new Failure(code, `${code}!`) }),
    };
  }

  beforeEach(() => {
    vi.useFakeTimers();
    [stored, left, verdicts, elsewhere] = [[], [], [], undefined];
    return () => void vi.useRealTimers();
  });

  it('leaves at the third error, at once, and says so once', () => {
    const { run, fail } = watchOf();
    run(10);
    fail('ENGINE_TRAP');
    fail('OUT_OF_MEMORY');
    expect(left).toEqual([]);
    fail('ENGINE_TRAP');
    fail('ENGINE_TRAP');
    expect(left).toEqual(['version 2 was rolled back: 3 of 13 runs failed']);
    expect(stored.at(-1)?.[2]).toBe(left[0]);
    expect(verdicts).toEqual(['rolled back']);
  });

  it('stays with three errors in many runs, and goes on from earlier ones', () => {
    const { run, fail } = watchOf({}, { runs: 598, errors: 2 });
    run(2);
    fail('ENGINE_TRAP');
    expect(left).toEqual([]);
    fail('ENGINE_TRAP');
    expect(left).toHaveLength(1);
  });

  it('does not count what is no fault of the version', () => {
    const { watch, fail } = watchOf();
    const codes = ['INPUT_SHAPE', 'NETWORK_FAILED', 'DEVICE_UNAVAILABLE', 'ENGINE_START'] as const;
    for (const code of codes) for (let i = 0; i < 5; i++) fail(code);
    const failure = new Failure('ENGINE_TRAP', 'trap');
    for (let i = 0; i < 5; i++) {
      watch.observe({ target: target(false), failure });
      watch.observe({ target: target(true, { wasm: 'own.wasm' }), failure });
    }
    expect([left, watch.counts]).toEqual([[], { runs: 0, errors: 0 }]);
  });

  it('leaves after one wrong answer in a self-test', () => {
    watchOf().fail('SELFTEST_FAILED');
    expect(left).toEqual(['version 2 was rolled back: SELFTEST_FAILED!']);
  });

  it('leaves when two windows in a row are over the latency budget', () => {
    const { run } = watchOf({ latencyBudgetMs: 10 });
    run(5 + 20, 20);
    expect(left).toEqual([]);
    run(20, 20);
    expect(left).toEqual(['version 2 was rolled back: 95 % of its runs do not stay below 10 ms']);
  });

  it('has no latency budget by default', () => {
    watchOf().run(200, 1e6);
    expect(left).toEqual([]);
  });

  it('leaves when another route serves', () => {
    const { watch } = watchOf();
    watch.arrived({ target: candidate, reason: 'respawn' });
    expect(left).toEqual([]);
    watch.arrived({ target: target(false), reason: 'failover' });
    watch.arrived({ target: target(false), reason: 'respawn' });
    expect(left).toHaveLength(1);
  });

  it('goes on when a caller asked for the stable version, and came back', () => {
    const { watch, fail } = watchOf();
    watch.arrived({ target: target(false), reason: 'asked' });
    watch.arrived({ target: target(false), reason: 'respawn' });
    expect(left).toEqual([]);
    watch.arrived({ target: candidate, reason: 'asked' });
    watch.arrived({ target: target(false), reason: 'better' });
    expect(left).toEqual([]);
    watch.arrived({ target: candidate, reason: 'asked' });
    for (let i = 0; i < 3; i++) fail('ENGINE_TRAP');
    expect(left).toHaveLength(1);
  });

  it('finds 3000 good runs healthy, over loads', () => {
    const { run } = watchOf({}, { runs: 2990, errors: 0 });
    run(9);
    expect(verdicts).toEqual([]);
    run(2);
    expect(verdicts).toEqual(['healthy']);
  });

  it('stores runs after a second, errors at once', async () => {
    const { run, fail } = watchOf();
    run(7);
    expect(stored).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(stored).toEqual([[7, 0, undefined]]);
    fail('ENGINE_TRAP');
    expect(stored).toEqual([
      [7, 0, undefined],
      [1, 1, undefined],
    ]);
  });

  it('leaves when another tab did', async () => {
    const { run } = watchOf();
    elsewhere = 'found bad in another tab';
    run(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(left).toEqual(['found bad in another tab']);
  });

  it.each([
    ['SELFTEST_FAILED', true],
    ['FILE_MISMATCH', true],
    ['OPERATOR_UNSUPPORTED', true],
    ['NETWORK_FAILED', false],
    ['ENGINE_TRAP', false],
    ['DEVICE_UNAVAILABLE', false],
  ] as const)('a start that fails with %s is remembered: %s', async (code, remembered) => {
    const { watch } = watchOf();
    await watch.refused(new Failure(code, 'at start'));
    expect(stored.some(([, , why]) => why !== undefined)).toBe(remembered);
  });

  it('counts a start that fails in three ways as three errors', async () => {
    const { watch } = watchOf();
    const failure = new Failure('ROUTES_EXHAUSTED', 'none');
    const attempt = { route: 'r', code: 'ENGINE_TRAP', message: 'trap' } as const;
    failure.attempts = [attempt, attempt, attempt];
    await watch.refused(failure);
    expect(left).toEqual(['version 2 was rolled back: 3 of 3 runs failed']);
  });
});
