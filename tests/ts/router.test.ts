// Which sessions a Router has at which time. The sessions are scripted: the test ends their runs.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { SardonyxError } from '../../web/errors.js';
import type { LoadOptions } from '../../web/load.js';
import { Router, type RouterEventDetail } from '../../web/router.js';
import type { Source } from '../../web/source.js';
import { Tensor } from '../../web/tensor.js';

class ScriptedSession extends EventTarget {
  static open: ScriptedSession[] = [];
  static loads: string[] = [];
  static failure: Error | undefined;
  readonly inputs = [{ name: 'x', kind: 'tensor', type: 'float32', shape: [1], optional: false }];
  readonly outputs = [{ name: 'y', kind: 'tensor', type: 'float32', shape: [1], optional: false }];
  state = 'serving';
  disposed = false;
  readonly runs: { x: number; end: () => void; reject: (reason: unknown) => void }[] = [];

  constructor(
    readonly url: string,
    public memoryBytes: number,
  ) {
    super();
    ScriptedSession.open.push(this);
  }

  run({ x }: { x: Tensor }): Promise<{ y: Tensor }> {
    if (this.disposed) throw new Error('run on a disposed session');
    const value = x.data[0] as number;
    return new Promise((resolve, reject) => {
      const end = () => resolve({ y: new Tensor('float32', Float32Array.of(2 * value), [1]) });
      this.runs.push({ x: value, end, reject });
    });
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    ScriptedSession.open = ScriptedSession.open.filter((other) => other !== this);
    for (const { reject } of this.runs) reject(new SardonyxError('SESSION_DISPOSED', 'disposed'));
    await Promise.resolve();
  }
}

// The last part of the URL is the size.
vi.mock('../../web/load.js', () => ({
  load: async (source: Source, { signal }: LoadOptions) => {
    await Promise.resolve();
    signal?.throwIfAborted();
    if (ScriptedSession.failure) throw ScriptedSession.failure;
    const url = source as string;
    ScriptedSession.loads.push(new URL(url).pathname.slice(1));
    return new ScriptedSession(url, Number(url.split('-').at(-1)));
  },
}));

const url = (name: string, bytes: number) => `https://models.example/${name}-${bytes}`;
const x = (value: number) => new Tensor('float32', Float32Array.of(value), [1]);
const settled = () => new Promise((resolve) => setTimeout(resolve));
const sessionOf = (name: string) =>
  ScriptedSession.open.find((session) => session.url.includes(`/${name}-`))!;
const loaded = () => ScriptedSession.open.map((session) => session.url.split(/[/-]/).at(-2)).sort();

function listen(router: Router): string[] {
  const seen: string[] = [];
  for (const name of ['load', 'unload', 'evict']) {
    router.addEventListener(name, (event) => {
      const { name: model, memoryBytes } = (event as CustomEvent<RouterEventDetail>).detail;
      seen.push(`${name} ${model} ${memoryBytes}`);
    });
  }
  return seen;
}

// Runs once; the test need not end the run.
async function use(model: { run(feeds: { x: Tensor }): Promise<unknown> }, name: string) {
  const run = model.run({ x: x(1) });
  await settled();
  sessionOf(name).runs.at(-1)!.end();
  await run;
}

beforeEach(() => {
  ScriptedSession.open = [];
  ScriptedSession.loads = [];
  ScriptedSession.failure = undefined;
});

describe('the budget', () => {
  it('unloads the least recently used and brings it back for its next run', async () => {
    const router = new Router({ memoryBudget: 25 });
    const seen = listen(router);
    const a = await router.load('a', url('a', 10));
    const b = await router.load('b', url('b', 10));
    await use(a, 'a');
    const c = await router.load('c', url('c', 10));
    expect([loaded(), router.memoryBytes]).toEqual([['a', 'c'], 20]);
    expect([a.state, b.state, b.memoryBytes, b.route]).toEqual([
      'serving',
      'unloaded',
      0,
      undefined,
    ]);
    const run = b.run({ x: x(4) });
    await settled();
    expect(loaded()).toEqual(['b', 'c']);
    sessionOf('b').runs[0]!.end();
    expect((await run).y!.data[0]).toBe(8);
    expect(c.state).toBe('serving');
    expect(seen).toEqual([
      'load a 10',
      'load b 10',
      'evict b 10',
      'load c 10',
      'evict a 10',
      'load b 10',
    ]);
  });

  it('keeps a high priority longest', async () => {
    const router = new Router({ memoryBudget: 25 });
    await router.load('a', url('a', 10), { priority: 1 });
    await router.load('b', url('b', 10));
    await router.load('c', url('c', 10));
    expect(loaded()).toEqual(['a', 'c']);
  });

  it('counts workers too', async () => {
    const router = new Router({ memoryBudget: 1000, maxWorkers: 1 });
    const a = await router.load('a', url('a', 1));
    await router.load('b', url('b', 1));
    expect([loaded(), a.state]).toEqual([['b'], 'unloaded']);
  });

  it('refuses a model that is alone above it, which leaves the name free', async () => {
    const router = new Router({ memoryBudget: 25 });
    await router.load('a', url('a', 10));
    const refused = router.load('big', url('big', 26));
    await expect(refused).rejects.toMatchObject({
      code: 'MEMORY_BUDGET',
      scope: 'caller',
      message: 'the model big takes 26 bytes, the budget is 25',
    });
    expect(loaded()).toEqual(['a']);
    await router.load('big', url('big', 15));
    expect(loaded()).toEqual(['a', 'big']);
  });

  it('lets a run grow, and unloads idle ones then', async () => {
    const router = new Router({ memoryBudget: 25 });
    const a = await router.load('a', url('a', 10));
    await router.load('b', url('b', 10));
    sessionOf('a').memoryBytes = 40;
    await use(a, 'a');
    await settled();
    expect(loaded()).toEqual(['a']);
    await use(a, 'a');
    expect(a.state).toBe('serving');
  });

  it('evicts no model with runs under way before they have ended', async () => {
    const router = new Router({ memoryBudget: 15 });
    const a = await router.load('a', url('a', 10));
    const old = sessionOf('a');
    const first = a.run({ x: x(1) });
    const b = router.load('b', url('b', 10));
    await settled();
    // Its size is not known before.
    expect(loaded()).toEqual(['a', 'b']);
    const second = a.run({ x: x(2) });
    await settled();
    expect(old.runs).toHaveLength(1);
    old.runs[0]!.end();
    expect((await first).y!.data[0]).toBe(2);
    // The second run waits already, and has taken the room again when this is looked at.
    expect((await b).state).toBe('unloaded');
    await settled();
    // The second run came after the eviction began: it brings the model back.
    expect(loaded()).toEqual(['a']);
    sessionOf('a').runs[0]!.end();
    expect((await second).y!.data[0]).toBe(4);
  });

  it('serves two that never fit together in turns, each run once and in order', async () => {
    const router = new Router({ memoryBudget: 15 });
    const a = await router.load('a', url('a', 10));
    const b = await router.load('b', url('b', 10));
    const answers: number[] = [];
    const runs = [1, 2, 3, 4, 5, 6].map(async (value) => {
      const { y } = await (value % 2 ? a : b).run({ x: x(value) });
      answers.push(y!.data[0] as number);
    });
    for (let i = 0; i < 100 && answers.length < 6; i++) {
      await settled();
      for (const session of ScriptedSession.open) session.runs.forEach(({ end }) => end());
    }
    await Promise.all(runs);
    expect(answers.filter((answer) => answer % 4 === 2)).toEqual([2, 6, 10]);
    expect(answers.filter((answer) => answer % 4 === 0)).toEqual([4, 8, 12]);
    expect(ScriptedSession.open).toHaveLength(1);
  });
});

describe('a run that waits for its model', () => {
  async function unloadedModel() {
    const router = new Router({ memoryBudget: 15 });
    const a = await router.load('a', url('a', 10));
    const b = await router.load('b', url('b', 10));
    return { router, a, b };
  }

  it('has its feeds as they were', async () => {
    const { a } = await unloadedModel();
    const feed = x(3);
    const run = a.run({ x: feed });
    feed.data[0] = 99;
    await settled();
    sessionOf('a').runs[0]!.end();
    expect((await run).y!.data[0]).toBe(6);
  });

  it('is aborted without bringing the model back', async () => {
    const { a } = await unloadedModel();
    const stop = new AbortController();
    const run = a.run({ x: x(1) }, { signal: stop.signal });
    stop.abort('not needed');
    await expect(run).rejects.toBe('not needed');
    await settled();
    expect(loaded()).toEqual(['b']);
  });

  it('is late when another one holds the room', async () => {
    const { a, b } = await unloadedModel();
    const long = b.run({ x: x(1) });
    const run = a.run({ x: x(1) }, { timeoutMs: 5 });
    await expect(run).rejects.toMatchObject({ code: 'RUN_TIMEOUT' });
    sessionOf('b').runs[0]!.end();
    await long;
  });

  it('is refused at once when its feeds are wrong', async () => {
    const { a } = await unloadedModel();
    await expect(a.run({})).rejects.toMatchObject({ code: 'INPUT_MISSING' });
    await settled();
    expect(loaded()).toEqual(['b']);
  });

  it('rejects when the model does not load; the next one tries again', async () => {
    const { a } = await unloadedModel();
    ScriptedSession.failure = new SardonyxError('NETWORK_FAILED', 'no network');
    await expect(a.run({ x: x(1) })).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
    ScriptedSession.failure = undefined;
    await use(a, 'a');
    expect(a.state).toBe('serving');
  });

  it('rejects when the model is unloaded for good', async () => {
    const { router, a, b } = await unloadedModel();
    const long = b.run({ x: x(1) });
    const run = a.run({ x: x(1) });
    await router.unload('a');
    await expect(run).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
    expect(a.state).toBe('disposed');
    sessionOf('b').runs[0]!.end();
    await long;
  });
});

describe('the end', () => {
  it('of a model frees its name and rejects its runs', async () => {
    const router = new Router({ memoryBudget: 25 });
    const seen = listen(router);
    const a = await router.load('a', url('a', 10));
    const run = a.run({ x: x(1) });
    await router.unload('a');
    await expect(run).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
    await expect(a.run({ x: x(1) })).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
    expect([loaded(), seen]).toEqual([[], ['load a 10', 'unload a 10']]);
    await router.load('a', url('a', 12));
  });

  it('of the router ends all, loads under way too', async () => {
    const router = new Router({ memoryBudget: 25 });
    const a = await router.load('a', url('a', 10));
    const b = router.load('b', url('b', 10));
    const failed = expect(b).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
    await router.dispose();
    await failed;
    expect([loaded(), router.memoryBytes]).toEqual([[], 0]);
    await expect(a.run({ x: x(1) })).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
    const closed = { code: 'SESSION_DISPOSED', message: 'the router was disposed' };
    await expect(router.load('c', url('c', 1))).rejects.toMatchObject(closed);
    await expect(router.unload('a')).rejects.toMatchObject(closed);
    await router.dispose();
  });

  it('of a load comes with its signal', async () => {
    const router = new Router({ memoryBudget: 25 });
    const stop = new AbortController();
    const load = router.load('a', url('a', 10), { signal: stop.signal });
    stop.abort('not needed');
    await expect(load).rejects.toBe('not needed');
    await router.load('a', url('a', 10));
    expect(loaded()).toEqual(['a']);
  });
});

describe('bad arguments', () => {
  it.each([
    ['no budget', { memoryBudget: 0 }, 'memoryBudget'],
    ['a budget that is no number', { memoryBudget: NaN }, 'memoryBudget'],
    ['no worker', { memoryBudget: 1, maxWorkers: 0 }, 'maxWorkers'],
  ])('%s', (_, options, field) => {
    expect(() => new Router(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', where: { field } }) as Error,
    );
  });

  it('a name used twice, also while the first one loads; a name of none; a priority that is none', async () => {
    const router = new Router({ memoryBudget: 25 });
    const first = router.load('a', url('a', 10));
    const bad = { code: 'INVALID_ARGUMENT', where: { field: 'name' } };
    await expect(router.load('a', url('a', 10))).rejects.toMatchObject(bad);
    await first;
    await expect(router.load('a', url('a', 10))).rejects.toMatchObject(bad);
    await expect(router.unload('b')).rejects.toMatchObject(bad);
    const priority = router.load('b', url('b', 10), { priority: NaN });
    await expect(priority).rejects.toMatchObject({ where: { field: 'priority' } });
    expect(loaded()).toEqual(['a']);
  });
});
