import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { idOf, type Target } from '../../router/target.js';
import {
  FP32,
  fp32,
  INT8,
  int8,
  type ManualRoute,
  ManualSession,
  SIMD,
  simd,
  tick,
} from './manual_session.js';

let session: ManualSession;

beforeEach(() => {
  vi.useFakeTimers();
  session = new ManualSession();
});
afterEach(() => void vi.useRealTimers());

describe('a swap', () => {
  it('leaves the run under way on the old route, moves the later ones, and ends the old route', async () => {
    const [a, b] = [session.submit(1), session.submit(2)];
    const swap = session.supervisor.swap(int8);
    await tick();
    const [old, fresh] = session.routes as [ManualRoute, ManualRoute];
    expect(session.supervisor).toMatchObject({ state: 'serving', id: INT8 });
    expect([old.recalled, old.closed]).toEqual([1, false]);
    old.answer();
    await tick();
    await swap;
    expect(old.closed).toBe(true);
    fresh.answer();
    expect(await Promise.all([a.result, b.result])).toEqual([1, 2]);
    expect(session.events).toEqual([`swap ${FP32} ${INT8}`, `route ${FP32} ${INT8}`]);
  });

  it('repeats a run that does not end in time on the new route, with the feeds of its call', async () => {
    const { result, data } = session.submit(7);
    data.fill(0);
    const swap = session.supervisor.swap(int8, { drainMs: 500 });
    await tick(499);
    expect(session.routes[0]!.closed).toBe(false);
    await tick(1);
    await swap;
    session.last.answer();
    expect(await result).toBe(7);
  });

  it.each(['ENGINE_START', 'SELFTEST_FAILED', 'NETWORK_FAILED'] as const)(
    'that fails with %s rejects, and the old route goes on',
    async (code) => {
      session.script[INT8] = code;
      const { result } = session.submit(1);
      await expect(session.supervisor.swap(int8)).rejects.toMatchObject({ code });
      expect(session.supervisor).toMatchObject({ state: 'serving', id: FP32 });
      session.routes[0]!.answer();
      expect(await result).toBe(1);
      expect(session.events).toEqual([`rollback ${INT8} ${FP32} ${code}`]);
    },
  );

  it('that is aborted rejects with the reason, and nothing else happens', async () => {
    session.script[INT8] = null;
    const stop = new AbortController();
    const swap = session.supervisor.swap(int8, { signal: stop.signal });
    swap.catch(() => undefined);
    await tick();
    expect(session.supervisor.state).toBe('swapping');
    stop.abort('enough');
    await expect(swap).rejects.toBe('enough');
    expect(session.supervisor).toMatchObject({ state: 'serving', id: FP32 });
    expect(session.events).toEqual([]);
  });

  it('waits for the one before', async () => {
    const order: string[] = [];
    const swaps = [int8, simd, fp32].map((target) =>
      session.supervisor.swap(target).then(() => order.push(idOf(target))),
    );
    await tick();
    await Promise.all(swaps);
    expect(order).toEqual([INT8, SIMD, FP32]);
    expect(session.routes.map(({ closed }) => closed)).toEqual([true, true, true, false]);
  });

  it('that is aborted while it waits for another rejects at once; the next still waits', async () => {
    session.script[INT8] = null;
    const [first, stop] = [new AbortController(), new AbortController()];
    const failed = session.supervisor.swap(int8, { signal: first.signal }).catch(() => 'given up');
    const waiting = session.supervisor.swap(simd, { signal: stop.signal });
    waiting.catch(() => undefined);
    const next = session.supervisor.swap(simd);
    await tick();
    stop.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    expect(session.supervisor).toMatchObject({ state: 'swapping', id: FP32 });
    first.abort();
    expect(await failed).toBe('given up');
    await next;
    expect(session.supervisor).toMatchObject({ state: 'serving', id: SIMD });
    expect(session.routes).toHaveLength(2);
  });

  it('that is aborted while it waits for an old route to end rejects at once', async () => {
    session.submit(1);
    const first = session.supervisor.swap(int8);
    await tick();
    const stop = new AbortController();
    const waiting = session.supervisor.swap(simd, { signal: stop.signal });
    stop.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    session.routes[0]!.answer();
    await first;
    expect(session.supervisor).toMatchObject({ state: 'serving', id: INT8 });
  });

  it('is given up by dispose', async () => {
    session.script[INT8] = null;
    const swap = session.supervisor.swap(int8);
    swap.catch(() => undefined);
    await tick();
    await session.supervisor.dispose();
    await expect(swap).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
    expect(session.supervisor.state).toBe('disposed');
    expect(session.routes[0]!.closed).toBe(true);
    await expect(session.supervisor.swap(simd)).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
    await expect(session.supervisor.acquire()).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
  });

  it('loses, doubles and swaps no answer among a thousand', async () => {
    const runs = Array.from({ length: 1000 }, (_, i) => session.submit(i).result);
    const targets = Array.from({ length: 20 }, (_, i) => [int8, simd, fp32][i % 3]!);
    const swaps = targets.map((target) => session.supervisor.swap(target));
    expect(await session.answerAll(runs)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    await Promise.all(swaps);
    expect(session.routes).toHaveLength(21);
    expect(session.routes.filter(({ closed }) => !closed)).toHaveLength(1);
  });
});

describe('feeds', () => {
  it('that lie in the memory of an old route are copied out of it, as long as the tensor is', async () => {
    const view = new Uint8Array(new SharedArrayBuffer(64));
    new Float32Array(view.buffer).set([3, 4, 99]);
    session.submit(1);
    const { result } = session.submit(0, { data: { input: 0, pointer: 4096, view } });
    const swap = session.supervisor.swap(int8);
    await tick();
    session.routes[0]!.answer();
    await swap;
    await tick();
    expect([...(session.last.feeds[0]!.data as Float32Array)]).toEqual([3, 4]);
    session.last.answer();
    expect(await result).toBe(3);
  });

  it('are read for a second attempt where the engine has them, not where the caller writes', async () => {
    const memory = new Uint8Array(new SharedArrayBuffer(8));
    session.routes[0]!.memory = memory;
    const { result, data } = session.submit(5);
    data.fill(0);
    session.routes[0]!.fail('ENGINE_TRAP', true);
    await tick();
    expect((session.last.feeds[0]!.data as Float32Array).buffer).toBe(memory.buffer);
    session.last.answer();
    expect(await result).toBe(5);
  });

  it('of a run that waits are copied, for the engine has those of another one', async () => {
    session.routes[0]!.memory = new Uint8Array(new SharedArrayBuffer(8));
    const first = session.submit(1);
    const second = session.submit(2);
    second.data.fill(0);
    session.last.answer();
    await tick();
    session.last.answer();
    expect(await Promise.all([first.result, second.result])).toEqual([1, 2]);
  });

  it('that were given away are taken, and still there for a second attempt', async () => {
    const { result, data } = session.submit(5, { owned: true });
    expect(data.length).toBe(0);
    session.routes[0]!.fail('ENGINE_TRAP', true);
    await tick();
    session.last.answer();
    expect(await result).toBe(5);
  });
});

describe('a route that fails', () => {
  it('is started anew after a trap, and the run is repeated, before the ones behind it', async () => {
    const [a, b] = [session.submit(1), session.submit(2)];
    session.routes[0]!.fail('ENGINE_TRAP', true);
    await tick();
    expect(session.events).toEqual([
      `recover ${FP32} ${FP32} ENGINE_TRAP`,
      `route ${FP32} ${FP32}`,
    ]);
    expect(session.last.feeds[0]!.data).toEqual(Float32Array.of(1, 1));
    session.last.answer();
    await tick();
    session.last.answer();
    expect(await Promise.all([a.result, b.result])).toEqual([1, 2]);
  });

  it('gives way to the next after a second trap, and comes back when its time is over', async () => {
    const { result } = session.submit(1);
    session.routes[0]!.fail('ENGINE_TRAP', true);
    await tick();
    session.last.fail('ENGINE_TRAP', true);
    await tick();
    expect(session.supervisor.id).toBe(INT8);
    expect(session.events).toContain(`degrade ${FP32} ${INT8} ENGINE_TRAP`);
    session.last.answer();
    expect(await result).toBe(1);
    await tick(5000);
    expect(session.supervisor.id).toBe(FP32);
    expect(session.events.slice(-2)).toEqual([`recover ${INT8} ${FP32}`, `route ${INT8} ${FP32}`]);
  });

  it('rejects a run after three attempts, with all of them', async () => {
    const { result } = session.submit(1);
    for (let attempt = 0; attempt < 3; attempt++) {
      session.last.fail('ENGINE_TRAP', true);
      await tick();
    }
    await expect(result).rejects.toMatchObject({
      code: 'ENGINE_TRAP',
      attempts: [FP32, FP32, INT8].map((route) => ({ route, code: 'ENGINE_TRAP' })),
    });
  });

  it.each(['SHAPE_MISMATCH', 'INPUT_SHAPE', 'INTERNAL'] as const)(
    'with %s, alive, rejects that run only',
    async (code) => {
      const [a, b] = [session.submit(1), session.submit(2)];
      session.routes[0]!.fail(code);
      await expect(a.result).rejects.toMatchObject({ code });
      session.routes[0]!.answer();
      expect(await b.result).toBe(2);
      expect(session.events).toEqual([]);
    },
  );

  it('is left for a smaller one when there is no memory', async () => {
    const { result } = session.submit(1);
    session.routes[0]!.fail('OUT_OF_MEMORY');
    await tick();
    expect(session.supervisor.id).toBe(INT8);
    expect(session.routes[0]!.closed).toBe(true);
    session.last.answer();
    expect(await result).toBe(1);
    await tick(3_600_000);
    expect(session.supervisor.id).toBe(INT8);
  });

  it('with no other left rejects all that waits, with the reasons, and tries again later', async () => {
    Object.assign(session.script, {
      [INT8]: 'ENGINE_START',
      [SIMD]: 'MODEL_EMPTY',
      [FP32]: 'ENGINE_START',
    });
    const runs = [session.submit(1), session.submit(2)];
    session.routes[0]!.fail('ENGINE_TRAP', true);
    for (const { result } of runs) {
      await expect(result).rejects.toMatchObject({
        code: 'ROUTES_EXHAUSTED',
        attempts: [
          { route: FP32, code: 'ENGINE_START' },
          { route: INT8, code: 'ENGINE_START' },
          { route: SIMD, code: 'MODEL_EMPTY' },
        ],
      });
    }
    expect(session.supervisor.state).toBe('exhausted');
    session.script = {};
    await tick(5000);
    expect(session.supervisor.state).toBe('serving');
    const { result } = session.submit(3);
    session.last.answer();
    expect(await result).toBe(3);
  });

  it('while it is asked to end a cancelled run does not count', async () => {
    for (let i = 0; i < 3; i++) {
      await session.last.dispose();
      const { result } = session.submit(i);
      await tick();
      session.last.answer();
      expect(await result).toBe(i);
      expect(session.supervisor.id).toBe(FP32);
    }
  });
});

describe('over the latency budget', () => {
  const runs = async (count: number, ms: number) => {
    for (let i = 0; i < count; i++) {
      const { result } = session.submit(i);
      await tick(ms);
      session.last.answer();
      await result;
      await tick();
    }
  };

  it('goes to the quantized variant, which helps, and stays', async () => {
    await runs(45, 400);
    expect(session.supervisor.id).toBe(INT8);
    expect(session.events).toEqual([`swap ${FP32} ${INT8}`, `route ${FP32} ${INT8}`]);
    await runs(60, 310);
    expect(session.supervisor.id).toBe(INT8);
  });

  it('goes back when that is no faster, and does not try again', async () => {
    await runs(45, 400);
    expect(session.supervisor.id).toBe(INT8);
    await runs(25, 390);
    expect(session.supervisor.id).toBe(FP32);
    expect(session.events.slice(-2)).toEqual([`rollback ${INT8} ${FP32}`, `route ${INT8} ${FP32}`]);
    await runs(200, 400);
    expect(session.supervisor.id).toBe(FP32);
  });

  it('gives its attempt up for a swap that was asked for', async () => {
    session.script[INT8] = null;
    await runs(45, 400);
    expect(session.supervisor.state).toBe('swapping');
    await session.supervisor.swap(simd);
    expect(session.supervisor).toMatchObject({ state: 'serving', id: SIMD });
  });
});

describe('a retreat', () => {
  const floats = ({ variant }: Target) => variant?.name === 'fp32';
  const retreat = () => session.supervisor.retreat(floats, 'no good');

  it('goes to another version beside the one that serves, which ends its run', async () => {
    const [a, b] = [session.submit(1), session.submit(2)];
    retreat();
    await tick();
    expect(session.supervisor).toMatchObject({ state: 'serving', id: INT8, retreating: false });
    expect(session.supervisor.serving.why).toBe('no good');
    session.routes[0]!.answer();
    await tick();
    session.last.answer();
    expect(await Promise.all([a.result, b.result])).toEqual([1, 2]);
    expect(session.events).toEqual([`rollback ${FP32} ${INT8}`, `route ${FP32} ${INT8}`]);
  });

  it('refuses later swaps to what was left', async () => {
    retreat();
    await tick();
    await expect(session.supervisor.swap(simd)).rejects.toMatchObject({ code: 'NO_CANDIDATE' });
    expect(session.supervisor).toMatchObject({ state: 'serving', id: INT8 });
  });

  it('from where none of them serves any more only says so', async () => {
    await session.supervisor.swap(int8);
    session.events = [];
    retreat();
    expect(session.events).toEqual([`rollback ${INT8} ${INT8}`]);
    expect(session.supervisor.state).toBe('serving');
  });

  it('that does not succeed is tried again; the old version serves until then', async () => {
    session.script[INT8] = 'NETWORK_FAILED';
    retreat();
    await tick();
    expect(session.supervisor).toMatchObject({ state: 'serving', id: FP32, retreating: true });
    session.script = {};
    await tick(5000);
    expect(session.supervisor).toMatchObject({ state: 'serving', id: INT8 });
  });

  it('at the third trap of a run gives it another attempt', async () => {
    let traps = 0;
    session.observed = ({ failure }) => {
      const relaxed = ({ module }: Target) => module === 'relaxed';
      if (failure && ++traps === 3) session.supervisor.retreat(relaxed, 'no good');
    };
    const { result } = session.submit(3);
    for (let i = 0; i < 3; i++) {
      session.last.fail('ENGINE_TRAP', true);
      await tick();
    }
    expect(session.supervisor.id).toBe(SIMD);
    session.last.answer();
    expect(await result).toBe(3);
    expect(session.events.at(-2)).toBe(`rollback ${INT8} ${SIMD}`);
  });
});

describe('observe', () => {
  it('tells of runs, of failures of any scope, and of starts that fail', async () => {
    const seen: string[] = [];
    session.observed = ({ target, ms, failure }) =>
      void seen.push(`${idOf(target)} ${failure?.code ?? (ms! >= 0 ? 'ran' : '')}`);
    const a = session.submit(1);
    session.last.answer();
    await a.result;
    const b = session.submit(2);
    session.last.fail('INPUT_SHAPE');
    await expect(b.result).rejects.toMatchObject({ code: 'INPUT_SHAPE' });
    session.script[FP32] = 'SELFTEST_FAILED';
    const c = session.submit(3);
    session.last.fail('ENGINE_TRAP', true);
    await tick();
    session.last.answer();
    expect(await c.result).toBe(3);
    expect(seen).toEqual([
      `${FP32} ran`,
      `${FP32} INPUT_SHAPE`,
      `${FP32} ENGINE_TRAP`,
      `${FP32} SELFTEST_FAILED`,
      `${INT8} ran`,
    ]);
  });
});
