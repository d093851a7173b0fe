import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LIMITS } from '../../router/limits.js';
import type { Feed, RouteSetup } from '../../router/route.js';
import { WorkerRoute } from '../../router/worker_route.js';
import { Lane, LANE_BYTES } from '../../worker/lane.js';
import { PROTOCOL_VERSION, type Slot } from '../../worker/protocol.js';
import { emptyModule, model, ScriptedWorker } from './scripted_worker.js';

const setup: RouteSetup = {
  workerUrl: 'https://example.org/worker.js',
  wasm: emptyModule,
  threads: 2,
  isolated: true,
  source: { bytes: Uint8Array.of(1) },
  external: {},
};
const failure = (code: string, text = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(text) as string }) as Error;

let worker: ScriptedWorker;
let progress: unknown[];
beforeEach(() => {
  vi.useFakeTimers();
  worker = new ScriptedWorker();
  progress = [];
});
afterEach(() => void vi.useRealTimers());

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

function start(change: Partial<RouteSetup> = {}, signal?: AbortSignal) {
  const hooks = { onProgress: (p: unknown) => void progress.push(p) };
  const starting = WorkerRoute.start({ ...setup, ...change }, hooks, signal, {
    spawn: worker.spawn,
  });
  starting.catch(() => undefined);
  return starting;
}

async function started(change: Partial<RouteSetup> = {}) {
  const starting = start(change);
  await tick();
  worker.load();
  return starting;
}

const feed = (data: Float32Array, owned = false): Feed => ({
  input: 0,
  type: 'float32',
  shape: [2],
  data,
  owned,
});

const slot = (bytes: number, pointer = 4096): Slot => ({
  input: 0,
  pointer,
  view: new Uint8Array(new SharedArrayBuffer(bytes)),
});

// The worker's side of it.
const laneOf = (worker: ScriptedWorker) => new Lane(worker.last('start')!.lane!);

describe('starting', () => {
  it('sends the source before the module is there, then loads', async () => {
    const starting = start();
    await tick();
    expect(worker.received.map(({ type }) => type)).toEqual(['load', 'start']);
    expect(worker.last('start')).toMatchObject({ threads: 2, module: emptyModule });
    expect(worker.last('start')!.lane).toBeInstanceOf(SharedArrayBuffer);
    worker.send({ type: 'hello', version: PROTOCOL_VERSION });
    worker.send({ type: 'progress', progress: { phase: 'download', loaded: 3 } });
    worker.send({ type: 'loaded', model });
    const route = await starting;
    expect(route.model).toBe(model);
    expect(progress).toEqual([{ phase: 'download', loaded: 3 }]);
    worker.send({ type: 'threads', count: 2 });
    expect(route.threads).toBe(2);
    expect(route.memoryBytes).toBe(0);
    worker.send({ type: 'memory', bytes: 4096 });
    expect(route.memoryBytes).toBe(4096);
  });

  it('shares no memory on a page that is not isolated', async () => {
    await started({ isolated: false });
    expect(worker.last('start')!.lane).toBeNull();
  });

  it('gives ENGINE_START with the URL when the script does not answer', async () => {
    const starting = start();
    await tick(LIMITS.scriptMs + 2000);
    await expect(starting).rejects.toThrow(failure('ENGINE_START', setup.workerUrl));
    expect(worker.terminated).toBe(true);
  });

  it('gives ENGINE_START when the script does not load', async () => {
    const starting = start();
    await tick();
    worker.error('404');
    await expect(starting).rejects.toThrow(failure('ENGINE_START', '404'));
  });

  it('gives ENGINE_START when the module does not get ready', async () => {
    const starting = start();
    await tick();
    worker.send({ type: 'hello', version: PROTOCOL_VERSION });
    await tick(LIMITS.startMs + 2000);
    await expect(starting).rejects.toThrow(failure('ENGINE_START', 'ready'));
  });

  it('refuses a worker of another release', async () => {
    const starting = start();
    await tick();
    worker.send({ type: 'hello', version: PROTOCOL_VERSION + 1 });
    await expect(starting).rejects.toThrow(failure('ENGINE_START', 'protocol'));
  });

  it('waits for a slow download for ever, but not for a silent compilation', async () => {
    const starting = start();
    await tick();
    worker.send({ type: 'hello', version: PROTOCOL_VERSION });
    worker.send({ type: 'ready' });
    await tick(3_600_000);
    expect(worker.terminated).toBe(false);
    worker.send({ type: 'progress', progress: { phase: 'compile', loaded: 0, total: 1 } });
    await tick(LIMITS.compileMs + 2000);
    await expect(starting).rejects.toThrow(failure('ENGINE_HUNG', 'compiling'));
  });

  it('rejects with what the worker says, and ends it', async () => {
    const starting = start();
    await tick();
    worker.send({ type: 'hello', version: PROTOCOL_VERSION });
    worker.send({ type: 'dead', failure: { code: 'MODEL_EMPTY', message: 'no bytes' } });
    await expect(starting).rejects.toThrow(failure('MODEL_EMPTY', 'no bytes'));
    expect(worker.terminated).toBe(true);
  });

  it('ends the worker and rejects with signal.reason on abort', async () => {
    const controller = new AbortController();
    const starting = start({}, controller.signal);
    await tick();
    controller.abort('enough');
    await expect(starting).rejects.toBe('enough');
    expect(worker.terminated).toBe(true);
    await expect(start({}, AbortSignal.abort('before'))).rejects.toBe('before');
  });
});

describe('running', () => {
  const result = {
    output: 0,
    type: 'float32',
    shape: [2],
    data: Float32Array.of(1, 2),
  } as const;

  it('sends a copy of the feeds and gives the outputs', async () => {
    const route = await started();
    const data = Float32Array.of(5, 6);
    const running = route.run([feed(data)], [0]);
    const { id, feeds } = worker.last('run')!;
    expect(feeds[0]!.data).toEqual(data);
    expect(feeds[0]!.data).not.toBe(data);
    expect(worker.transferred).toEqual([(feeds[0]!.data as Float32Array).buffer]);
    worker.send({ type: 'done', id, outputs: [result], ms: 1, alone: true });
    await expect(running).resolves.toEqual([result]);
  });

  it('copies only the view, not its whole buffer', async () => {
    const route = await started();
    void route.run([feed(new Float32Array(100).subarray(10, 12))], [0]);
    expect((worker.last('run')!.feeds[0]!.data as Float32Array).buffer.byteLength).toBe(8);
  });

  it('transfers the buffers it owns', async () => {
    const route = await started();
    const data = Float32Array.of(5, 6);
    void route.run([feed(data, true)], [0]);
    expect(worker.transferred).toEqual([data.buffer]);
  });

  it('asks for memory once and copies into it the next time', async () => {
    const route = await started();
    void route.run([feed(Float32Array.of(1, 2))], [0]);
    expect(worker.received.filter(({ type }) => type === 'reserve')).toHaveLength(1);
    expect(worker.last('reserve')).toMatchObject({ input: 0, bytes: 8 });
    const memory = slot(8);
    worker.send({ type: 'slot', slot: memory });
    worker.send({ type: 'done', id: worker.last('run')!.id, outputs: [], ms: 1, alone: true });
    void route.run([feed(Float32Array.of(3, 4))], [0]);
    expect(worker.last('run')!.feeds[0]!.data).toBe(4096);
    expect([...new Float32Array(memory.view.buffer)]).toEqual([3, 4]);
  });

  it.each(['failed', 'cancelled'] as const)(
    'leaves the feeds of a run that has %s until the next one',
    async (how) => {
      const route = await started();
      const memory = slot(8);
      worker.send({ type: 'slot', slot: memory });
      const running = route.run([feed(Float32Array.of(3, 4))], [0]).catch(() => undefined);
      worker.send({ type: 'slot', slot: slot(8, 8192) });
      expect(route.fed(0)).toBe(memory.view);
      const { id } = worker.last('run')!;
      if (how === 'cancelled') worker.send({ type: how, id });
      else worker.send({ type: how, id, failure: { code: 'ENGINE_TRAP', message: 'at Add' } });
      await running;
      expect(route.lend(0, 8, () => undefined)?.pointer).toBe(8192);
      expect(route.lend(0, 8, () => undefined)).toBeUndefined();
      worker.send({ type: 'slot', slot: slot(8, 12288) });
      void route.run([feed(new Float32Array(route.fed(0)!.buffer))], [0]);
      expect(worker.last('run')!.feeds[0]!.data).toBe(12288);
      expect([...new Float32Array(route.fed(0)!.buffer)]).toEqual([3, 4]);
      expect(route.lend(0, 8, () => undefined)).toBe(memory);
    },
  );

  it('has no feeds where they went by message', async () => {
    const route = await started({ isolated: false });
    void route.run([feed(Float32Array.of(1, 2))], [0]);
    expect(route.fed(0)).toBeUndefined();
  });

  it('exchanges memory that has become too small', async () => {
    const route = await started();
    worker.send({ type: 'slot', slot: slot(4) });
    void route.run([feed(Float32Array.of(1, 2))], [0]);
    expect(worker.last('free')).toMatchObject({ pointer: 4096 });
    expect(worker.last('reserve')).toMatchObject({ bytes: 8 });
  });

  it('rejects a run that failed and goes on', async () => {
    const route = await started();
    const running = route.run([], [0]);
    const { id } = worker.last('run')!;
    worker.send({ type: 'failed', id, failure: { code: 'SHAPE_MISMATCH', message: 'at Add' } });
    await expect(running).rejects.toThrow(failure('SHAPE_MISMATCH', 'Add'));
    expect(route.closed).toBe(false);
  });

  it.each([true, false])('cancels by word and message (isolated: %s)', async (isolated) => {
    const route = await started({ isolated });
    const running = route.run([], [0]);
    const { id } = worker.last('run')!;
    route.cancel();
    expect(worker.last('cancel')).toEqual({ type: 'cancel', id });
    if (isolated) expect(laneOf(worker).isCancelled(id)).toBe(true);
    worker.send({ type: 'cancelled', id });
    await expect(running).resolves.toBeUndefined();
    await tick(60_000);
    expect(worker.terminated).toBe(false);
  });

  it('ends a worker that does not listen to a cancel', async () => {
    const route = await started();
    const running = route.run([], [0]);
    route.cancel();
    await tick(LIMITS.graceMs + 1000);
    await expect(running).resolves.toBeUndefined();
    expect(worker.terminated).toBe(true);
    expect(route.closed).toBe(true);
  });

  it('waits for a cancelled run as long as a new worker would take', async () => {
    const starting = start();
    await tick(3000);
    worker.load();
    const route = await starting;
    void route.run([], [0]);
    route.cancel();
    await tick(2500);
    expect(worker.terminated).toBe(false);
    await tick(600);
    expect(worker.terminated).toBe(true);
  });

  it('gives ENGINE_HUNG when nothing is heard during a run, not while it is alive', async () => {
    const route = await started();
    const running = route.run([], [0]);
    running.catch(() => undefined);
    for (let second = 0; second < 120; second++) {
      await tick(1000);
      worker.send({ type: 'alive' });
    }
    expect(route.closed).toBe(false);
    await tick(LIMITS.runMs + 2000);
    await expect(running).rejects.toThrow(failure('ENGINE_HUNG'));
    expect(worker.terminated).toBe(true);
  });

  it('profiles in place of a run: cancelled, watched and failing like one', async () => {
    const route = await started();
    const profile = { runs: 7, ms: 1, steps: [] };
    const profiling = route.profile([feed(Float32Array.of(1, 2))], 7);
    const message = worker.last('profile')!;
    expect(message).toMatchObject({ runs: 7, feeds: [{ input: 0, shape: [2] }] });
    worker.send({ type: 'profiled', id: message.id, profile });
    await expect(profiling).resolves.toEqual(profile);

    const cancelled = route.profile([], 7);
    route.cancel();
    expect(worker.last('cancel')!.id).toBe(worker.last('profile')!.id);
    worker.send({ type: 'cancelled', id: worker.last('profile')!.id });
    await expect(cancelled).resolves.toBeUndefined();

    const failing = route.profile([], 7);
    worker.error('RuntimeError: unreachable');
    await expect(failing).rejects.toThrow(failure('ENGINE_TRAP', 'unreachable'));
  });

  it('never watches an idle worker', async () => {
    await started();
    await tick(3_600_000);
    expect(worker.terminated).toBe(false);
  });

  it('rejects what waits when the worker traps', async () => {
    const route = await started();
    const running = route.run([], [0]);
    const explaining = route.explain();
    explaining.catch(() => undefined);
    worker.error('RuntimeError: unreachable');
    await expect(running).rejects.toThrow(failure('ENGINE_TRAP', 'unreachable'));
    await expect(explaining).rejects.toThrow(failure('ENGINE_TRAP'));
    worker.send({ type: 'done', id: worker.last('run')!.id, outputs: [], ms: 1, alone: true });
    expect(route.closed).toBe(true);
  });
});

describe('running in the lane', () => {
  const data = Float32Array.of(1, 2);
  const bytes = new Uint8Array(data.buffer);
  const results = [{ output: 0, type: 'float32', shape: [2], bytes, isTensor: true }] as const;
  const given = (lane: Lane) => lane.next(worker.received.length, Infinity, 0)!;
  // Answers come at once, or never.
  beforeEach(() => void vi.useRealTimers());

  async function opened() {
    const starting = start();
    await vi.waitFor(() => expect(worker.last('start')).toBeDefined());
    worker.load();
    const route = await starting;
    const lane = laneOf(worker);
    lane.open();
    return { route, lane };
  }

  // After a run that says that the engine is fast.
  async function fast() {
    const { route, lane } = await opened();
    const running = route.run([feed(data, true)], [0]);
    const { id } = given(lane);
    lane.release();
    worker.send({ type: 'done', id, outputs: [], ms: 0.01, alone: true });
    await running;
    return { route, lane };
  }

  it('gives a run there and takes the answer by message', async () => {
    const { route, lane } = await opened();
    const running = route.run([feed(data, true)], [0]);
    expect(worker.last('run')).toBeUndefined();
    const run = given(lane);
    expect(run).toMatchObject({ outputs: [0], feeds: [{ input: 0, type: 'float32', shape: [2] }] });
    expect(run.feeds[0]!.data).toEqual(bytes);
    expect(lane.answer({ alone: true, ms: 1, memoryBytes: 1 }, results)).toBe(false);
    lane.release();
    worker.send({ type: 'done', id: run.id, outputs: [], ms: 1, alone: true });
    await expect(running).resolves.toEqual([]);
  });

  it('waits in the lane for an engine that is fast, in vain when it is not', async () => {
    const { route, lane } = await fast();
    const running = route.run([feed(data, true)], [0]);
    const { id } = given(lane);
    expect(lane.answer({ alone: true, ms: 1, memoryBytes: 1 }, results)).toBe(false);
    lane.release();
    worker.send({ type: 'done', id, outputs: [], ms: 1, alone: true });
    await expect(running).resolves.toEqual([]);
  });

  it('cancels by word and message', async () => {
    const { route, lane } = await opened();
    const running = route.run([feed(data, true)], [0]);
    const { id } = given(lane);
    expect(lane.isCancelled(id)).toBe(false);
    route.cancel();
    expect(lane.isCancelled(id)).toBe(true);
    lane.release();
    worker.send({ type: 'cancelled', id });
    await expect(running).resolves.toBeUndefined();
  });

  it('rejects a run that failed and goes on', async () => {
    const { route, lane } = await fast();
    const running = route.run([feed(data, true)], [0]);
    const { id } = given(lane);
    lane.release();
    worker.send({ type: 'failed', id, failure: { code: 'SHAPE_MISMATCH', message: 'at Add' } });
    await expect(running).rejects.toThrow(failure('SHAPE_MISMATCH', 'Add'));
    void route.run([feed(data, true)], [0]);
    expect(given(lane).id).toBeGreaterThan(id);
  });

  it.each([opened, fast])('rejects what waits when the worker traps (%#)', async (open) => {
    const { route } = await open();
    const running = route.run([feed(data, true)], [0]);
    worker.error('RuntimeError: unreachable');
    await expect(running).rejects.toThrow(failure('ENGINE_TRAP', 'unreachable'));
    expect(route.closed).toBe(true);
  });

  it('sends what does not fit by message', async () => {
    const { route } = await opened();
    void route.run([feed(new Float32Array(LANE_BYTES / 4), true)], [0]);
    expect(worker.last('run')!.feeds[0]!.data).toHaveLength(LANE_BYTES / 4);
  });

  it('sends the worker to its event loop for a message', async () => {
    const { route, lane } = await opened();
    const { length } = worker.received;
    void route.explain();
    expect(lane.next(length, Infinity, 0)).toBeUndefined();
    void route.run([feed(data, true)], [0]);
    expect(worker.last('run')).toBeDefined();
  });
});

describe('lending', () => {
  it('lends memory that is at hand and calls it back with the worker', async () => {
    const route = await started();
    const memory = slot(8);
    worker.send({ type: 'slot', slot: memory });
    let stale = 0;
    const onClose = () => {
      stale++;
    };
    expect(route.lend(0, 8, onClose)).toBe(memory);
    expect(route.lend(0, 8, onClose)).toBeUndefined();
    worker.error('trap');
    expect(stale).toBe(1);
    expect(route.lend(0, 8, () => undefined)).toBeUndefined();
  });

  it('lends again what was given back', async () => {
    const route = await started();
    const memory = slot(8);
    worker.send({ type: 'slot', slot: memory });
    route.takeBack(route.lend(0, 8, () => undefined)!);
    expect(route.lend(0, 8, () => undefined)).toBe(memory);
  });

  it('has none on a page that is not isolated', async () => {
    const route = await started({ isolated: false });
    expect(route.lend(0, 8, () => undefined)).toBeUndefined();
    expect(worker.last('reserve')).toBeUndefined();
  });
});

describe('dispose', () => {
  it('stops the engine, then ends the worker', async () => {
    const route = await started();
    const disposing = route.dispose();
    expect(worker.last('stop')).toBeDefined();
    expect(worker.terminated).toBe(false);
    worker.send({ type: 'stopped' });
    await disposing;
    expect(worker.terminated).toBe(true);
    await route.dispose();
  });

  it('does not wait long for a busy worker', async () => {
    const route = await started();
    const disposing = route.dispose();
    await tick(LIMITS.stopMs);
    await disposing;
    expect(worker.terminated).toBe(true);
  });
});
