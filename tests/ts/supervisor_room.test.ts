// Swaps where the memory is short: one engine at a time.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FP32, fp32, INT8, int8, ManualSession, simd, tick } from './manual_session.js';

let session: ManualSession;

beforeEach(() => {
  vi.useFakeTimers();
  session = new ManualSession();
  session.room = false;
});
afterEach(() => void vi.useRealTimers());

it('the old route ends first, while runs wait for the new one', async () => {
  const [a, b] = [session.submit(1), session.submit(2)];
  const swap = session.supervisor.swap(int8);
  await tick();
  expect(session.routes).toHaveLength(1);
  expect(session.supervisor).toMatchObject({ state: 'swapping', ready: undefined });
  const [old] = session.routes;
  old!.answer();
  await tick();
  expect([old!.closed, old!.recalled, session.last.closed]).toEqual([true, 1, false]);
  await swap;
  session.last.answer();
  expect(await Promise.all([a.result, b.result])).toEqual([1, 2]);
  expect(session.events).toEqual([`swap ${FP32} ${INT8}`, `route ${FP32} ${INT8}`]);
});

it('a run that does not end in time is repeated on the new route', async () => {
  const { result } = session.submit(7);
  const swap = session.supervisor.swap(int8, { drainMs: 500 });
  await tick(500);
  await swap;
  session.last.answer();
  expect(await result).toBe(7);
});

it('the old route starts again when the new one does not start', async () => {
  session.script[INT8] = 'OUT_OF_MEMORY';
  const [a, b] = [session.submit(1), session.submit(2)];
  const swap = session.supervisor.swap(int8);
  swap.catch(() => undefined);
  session.last.answer();
  await expect(swap).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
  expect(session.supervisor).toMatchObject({ state: 'serving', id: FP32 });
  await tick();
  session.last.answer();
  expect(await Promise.all([a.result, b.result])).toEqual([1, 2]);
  expect(session.routes).toHaveLength(2);
  expect(session.events).toEqual([
    `rollback ${INT8} ${FP32} OUT_OF_MEMORY`,
    `recover ${FP32} ${FP32}`,
    `route ${FP32} ${FP32}`,
  ]);
});

it('a swap that is aborted while the old route ends its run leaves that alone', async () => {
  const [a, b] = [session.submit(1), session.submit(2)];
  const stop = new AbortController();
  const swap = session.supervisor.swap(int8, { signal: stop.signal });
  swap.catch(() => undefined);
  await tick();
  stop.abort('enough');
  await expect(swap).rejects.toBe('enough');
  session.last.answer();
  await tick();
  session.last.answer();
  expect(await Promise.all([a.result, b.result])).toEqual([1, 2]);
  expect(session.routes).toHaveLength(1);
});

it('one that is aborted later starts the old route again', async () => {
  session.script[INT8] = null;
  const stop = new AbortController();
  const swap = session.supervisor.swap(int8, { signal: stop.signal });
  swap.catch(() => undefined);
  await tick();
  const { result } = session.submit(3);
  expect(session.supervisor.state).toBe('starting');
  stop.abort('enough');
  await expect(swap).rejects.toBe('enough');
  expect(session.supervisor).toMatchObject({ state: 'serving', id: FP32 });
  await tick();
  session.last.answer();
  expect(await result).toBe(3);
});

it('a swap ends with the session', async () => {
  session.script[INT8] = null;
  const swap = session.supervisor.swap(int8);
  swap.catch(() => undefined);
  await tick();
  await session.supervisor.dispose();
  await expect(swap).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
});

it('20 swaps lose no answer among a thousand, and have one engine at a time', async () => {
  const runs = Array.from({ length: 1000 }, (_, i) => session.submit(i).result);
  let most = 0;
  const count = setInterval(() => {
    const open = session.routes.filter(({ closed }) => !closed).length;
    most = Math.max(most, open);
  });
  const targets = Array.from({ length: 20 }, (_, i) => [int8, simd, fp32][i % 3]!);
  const swaps = targets.map((target) => session.supervisor.swap(target));
  expect(await session.answerAll(runs)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  clearInterval(count);
  await Promise.all(swaps);
  expect(session.routes).toHaveLength(21);
  expect(most).toBe(1);
});
