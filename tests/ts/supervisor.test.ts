import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from '../../worker/failure.js';
import type { ErrorCode } from '../../worker/errors.generated.js';
import { ON_CPU, type WireTensor } from '../../worker/protocol.js';
import { forgetGpu, probeGpu } from '../../router/gpu_probe.js';
import type { Feed, Route } from '../../router/route.js';
import { TABLE } from '../../router/speeds.js';
import { type RunReport, Supervisor } from '../../router/supervisor.js';
import { idOf, type LocalTarget, type RouteChange, type Target } from '../../router/target.js';
import { RunJob } from '../../web/run_job.js';
import { RunQueue } from '../../web/queue.js';
import { model } from './scripted_worker.js';

const targetOf = (precision: 'fp32' | 'int8', module: 'relaxed' | 'simd' = 'relaxed'): Target => ({
  variant: {
    name: precision,
    precision,
    url: 'm.onnx',
    bytes: precision === 'int8' ? 100 : 400,
    sha256: '',
    devices: ['cpu'],
    opset: 17,
  },
  device: 'cpu',
  module,
  threads: 1,
  why: [],
});
const [fp32, int8, simd] = [targetOf('fp32'), targetOf('int8'), targetOf('fp32', 'simd')];

// A route whose runs the test ends.
class ManualRoute implements Route {
  readonly model = model;
  readonly file = undefined;
  readonly threads = 1;
  readonly placement = ON_CPU;
  readonly memoryBytes = 0;
  closed = false;
  recalled = 0;
  fed: readonly Feed[] = [];
  #settle: { resolve(value: WireTensor[] | undefined): void; reject(r: unknown): void } | undefined;

  constructor(readonly target: Target) {}

  run(feeds: readonly Feed[]): Promise<WireTensor[] | undefined> {
    if (this.closed) return Promise.reject(new Failure('ENGINE_TRAP', 'run on a dead route'));
    this.fed = feeds;
    return new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
  }

  // Answers what it was fed.
  answer(): void {
    const { data, type, shape } = this.fed[0]!;
    this.#settle!.resolve([{ output: 0, type, shape, data: data as Float32Array }]);
  }

  fail(code: ErrorCode, closes = false): void {
    this.closed ||= closes;
    this.#settle!.reject(new Failure(code, `${code} of ${idOf(this.target)}`));
  }

  cancel(): void {
    this.#settle?.resolve(undefined);
  }

  explain = () => Promise.reject(new Error('not asked for'));
  lend = () => undefined;
  takeBack = () => undefined;

  recall(): void {
    this.recalled++;
  }

  dispose(): Promise<void> {
    this.closed = true;
    this.#settle?.resolve(undefined);
    return Promise.resolve();
  }
}

let routes: ManualRoute[];
let events: string[];
// What the start of a route fails with, by its id; null: it does not end.
let script: Record<string, ErrorCode | null>;
let supervisor: Supervisor;
let observed: (report: RunReport) => void;
let queue: RunQueue;

beforeEach(() => {
  vi.useFakeTimers();
  routes = [new ManualRoute(fp32)];
  events = [];
  script = {};
  observed = () => undefined;
  queue = new RunQueue(2000);
  supervisor = new Supervisor(
    { target: fp32, route: routes[0]! },
    {
      targets: [fp32, int8, simd],
      latencyBudgetMs: 300,
      speeds: () => TABLE,
      start(target, signal) {
        const code = script[idOf(target)];
        if (code) return Promise.reject(new Failure(code, `${code} at start`));
        if (code === null) {
          return new Promise((_, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error)),
          );
        }
        const route = new ManualRoute(target);
        routes.push(route);
        return Promise.resolve(route);
      },
      emit: (event, { from, to, error }: RouteChange) =>
        void events.push([event, from, to, ...(error ? [error.code] : [])].join(' ')),
      observe: (report) => observed(report),
    },
  );
});
afterEach(() => void vi.useRealTimers());

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const last = () => routes.at(-1)!;

function submit(value: number, feed?: Partial<Feed>) {
  const data = Float32Array.of(value, value);
  const fed: Feed = { input: 0, type: 'float32', shape: [2], data, owned: false, ...feed };
  const job = new RunJob(supervisor, [fed], [0]);
  const result = queue.submit(job).then(([y]) => (y!.data as Float32Array)[0]);
  job.keepFeeds();
  result.catch(() => undefined);
  return { result, data };
}

const [FP32, INT8, SIMD] = ['fp32-cpu-relaxed', 'int8-cpu-relaxed', 'fp32-cpu-simd'];

describe('a swap', () => {
  it('leaves the run under way on the old route, moves the later ones, and ends the old route', async () => {
    const [a, b] = [submit(1), submit(2)];
    const swap = supervisor.swap(int8);
    await tick();
    const [old, fresh] = routes as [ManualRoute, ManualRoute];
    expect(supervisor).toMatchObject({ state: 'serving', id: INT8 });
    expect([old.recalled, old.closed]).toEqual([1, false]);
    old.answer();
    await tick();
    await swap;
    expect(old.closed).toBe(true);
    fresh.answer();
    expect(await Promise.all([a.result, b.result])).toEqual([1, 2]);
    expect(events).toEqual([`swap ${FP32} ${INT8}`, `route ${FP32} ${INT8}`]);
  });

  it('repeats a run that does not end in time on the new route, with the feeds of its call', async () => {
    const { result, data } = submit(7);
    data.fill(0);
    const swap = supervisor.swap(int8, { drainMs: 500 });
    await tick(499);
    expect(routes[0]!.closed).toBe(false);
    await tick(1);
    await swap;
    last().answer();
    expect(await result).toBe(7);
  });

  it.each(['ENGINE_START', 'SELFTEST_FAILED', 'NETWORK_FAILED'] as const)(
    'that fails with %s rejects, and the old route goes on',
    async (code) => {
      script[INT8] = code;
      const { result } = submit(1);
      await expect(supervisor.swap(int8)).rejects.toMatchObject({ code });
      expect(supervisor).toMatchObject({ state: 'serving', id: FP32 });
      routes[0]!.answer();
      expect(await result).toBe(1);
      expect(events).toEqual([`rollback ${INT8} ${FP32} ${code}`]);
    },
  );

  it('that is aborted rejects with the reason, and nothing else happens', async () => {
    script[INT8] = null;
    const stop = new AbortController();
    const swap = supervisor.swap(int8, { signal: stop.signal });
    swap.catch(() => undefined);
    await tick();
    expect(supervisor.state).toBe('swapping');
    stop.abort('enough');
    await expect(swap).rejects.toBe('enough');
    expect(supervisor).toMatchObject({ state: 'serving', id: FP32 });
    expect(events).toEqual([]);
  });

  it('waits for the one before', async () => {
    const order: string[] = [];
    const swaps = [int8, simd, fp32].map((target) =>
      supervisor.swap(target).then(() => order.push(idOf(target))),
    );
    await tick();
    await Promise.all(swaps);
    expect(order).toEqual([INT8, SIMD, FP32]);
    expect(routes.map(({ closed }) => closed)).toEqual([true, true, true, false]);
  });

  it('is given up by dispose', async () => {
    script[INT8] = null;
    const swap = supervisor.swap(int8);
    swap.catch(() => undefined);
    await tick();
    await supervisor.dispose();
    await expect(swap).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
    expect(supervisor.state).toBe('disposed');
    expect(routes[0]!.closed).toBe(true);
    await expect(supervisor.swap(simd)).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
    await expect(supervisor.acquire()).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
  });

  it('loses, doubles and swaps no answer among a thousand', async () => {
    const runs = Array.from({ length: 1000 }, (_, i) => submit(i).result);
    const order: number[] = [];
    runs.forEach((run) => void run.then((value) => order.push(value!)));
    const all = Promise.all(runs);
    const swaps = Array.from({ length: 20 }, (_, i) => supervisor.swap([int8, simd, fp32][i % 3]!));
    while (order.length < runs.length) {
      for (const route of routes) if (!route.closed && route.fed.length > 0) route.answer();
      await tick(1);
    }
    await Promise.all([...swaps, all]);
    expect(order).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(routes).toHaveLength(21);
    expect(routes.filter(({ closed }) => !closed)).toHaveLength(1);
  });
});

describe('feeds', () => {
  it('that lie in the memory of an old route are copied out of it, as long as the tensor is', async () => {
    const view = new Uint8Array(new SharedArrayBuffer(64));
    new Float32Array(view.buffer).set([3, 4, 99]);
    submit(1);
    const { result } = submit(0, { data: { input: 0, pointer: 4096, view } });
    const swap = supervisor.swap(int8);
    await tick();
    routes[0]!.answer();
    await swap;
    await tick();
    expect([...(last().fed[0]!.data as Float32Array)]).toEqual([3, 4]);
    last().answer();
    expect(await result).toBe(3);
  });

  it('that were given away are taken, and still there for a second attempt', async () => {
    const { result, data } = submit(5, { owned: true });
    expect(data.length).toBe(0);
    routes[0]!.fail('ENGINE_TRAP', true);
    await tick();
    last().answer();
    expect(await result).toBe(5);
  });
});

describe('a route that fails', () => {
  it('is started anew after a trap, and the run is repeated, before the ones behind it', async () => {
    const [a, b] = [submit(1), submit(2)];
    routes[0]!.fail('ENGINE_TRAP', true);
    await tick();
    expect(events).toEqual([`recover ${FP32} ${FP32} ENGINE_TRAP`, `route ${FP32} ${FP32}`]);
    expect(last().fed[0]!.data).toEqual(Float32Array.of(1, 1));
    last().answer();
    await tick();
    last().answer();
    expect(await Promise.all([a.result, b.result])).toEqual([1, 2]);
  });

  it('gives way to the next after a second trap, and comes back when its time is over', async () => {
    const { result } = submit(1);
    routes[0]!.fail('ENGINE_TRAP', true);
    await tick();
    last().fail('ENGINE_TRAP', true);
    await tick();
    expect(supervisor.id).toBe(INT8);
    expect(events).toContain(`degrade ${FP32} ${INT8} ENGINE_TRAP`);
    last().answer();
    expect(await result).toBe(1);
    await tick(5000);
    expect(supervisor.id).toBe(FP32);
    expect(events.slice(-2)).toEqual([`recover ${INT8} ${FP32}`, `route ${INT8} ${FP32}`]);
  });

  it('rejects a run after three attempts, with all of them', async () => {
    const { result } = submit(1);
    for (let attempt = 0; attempt < 3; attempt++) {
      last().fail('ENGINE_TRAP', true);
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
      const [a, b] = [submit(1), submit(2)];
      routes[0]!.fail(code);
      await expect(a.result).rejects.toMatchObject({ code });
      routes[0]!.answer();
      expect(await b.result).toBe(2);
      expect(events).toEqual([]);
    },
  );

  it('is left for a smaller one when there is no memory', async () => {
    const { result } = submit(1);
    routes[0]!.fail('OUT_OF_MEMORY');
    await tick();
    expect(supervisor.id).toBe(INT8);
    expect(routes[0]!.closed).toBe(true);
    last().answer();
    expect(await result).toBe(1);
    await tick(3_600_000);
    expect(supervisor.id).toBe(INT8);
  });

  it('with no other left rejects all that waits, with the reasons, and tries again later', async () => {
    Object.assign(script, {
      [INT8]: 'ENGINE_START',
      [SIMD]: 'MODEL_EMPTY',
      [FP32]: 'ENGINE_START',
    });
    const runs = [submit(1), submit(2)];
    routes[0]!.fail('ENGINE_TRAP', true);
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
    expect(supervisor.state).toBe('exhausted');
    script = {};
    await tick(5000);
    expect(supervisor.state).toBe('serving');
    const { result } = submit(3);
    last().answer();
    expect(await result).toBe(3);
  });

  it('while it is asked to end a cancelled run does not count', async () => {
    for (let i = 0; i < 3; i++) {
      await last().dispose();
      const { result } = submit(i);
      await tick();
      last().answer();
      expect(await result).toBe(i);
      expect(supervisor.id).toBe(FP32);
    }
  });
});

describe('over the latency budget', () => {
  const runs = async (count: number, ms: number) => {
    for (let i = 0; i < count; i++) {
      const { result } = submit(i);
      await tick(ms);
      last().answer();
      await result;
      await tick();
    }
  };

  it('goes to the quantized variant, which helps, and stays', async () => {
    await runs(45, 400);
    expect(supervisor.id).toBe(INT8);
    expect(events).toEqual([`swap ${FP32} ${INT8}`, `route ${FP32} ${INT8}`]);
    await runs(60, 310);
    expect(supervisor.id).toBe(INT8);
  });

  it('goes back when that is no faster, and does not try again', async () => {
    await runs(45, 400);
    expect(supervisor.id).toBe(INT8);
    await runs(25, 390);
    expect(supervisor.id).toBe(FP32);
    expect(events.slice(-2)).toEqual([`rollback ${INT8} ${FP32}`, `route ${INT8} ${FP32}`]);
    await runs(200, 400);
    expect(supervisor.id).toBe(FP32);
  });

  it('gives its attempt up for a swap that was asked for', async () => {
    script[INT8] = null;
    await runs(45, 400);
    expect(supervisor.state).toBe('swapping');
    await supervisor.swap(simd);
    expect(supervisor).toMatchObject({ state: 'serving', id: SIMD });
  });
});

describe('a retreat', () => {
  const floats = ({ variant }: Target) => variant?.name === 'fp32';
  const retreat = () => supervisor.retreat(floats, 'no good');

  it('goes to another version beside the one that serves, which ends its run', async () => {
    const [a, b] = [submit(1), submit(2)];
    retreat();
    await tick();
    expect(supervisor).toMatchObject({ state: 'serving', id: INT8, retreating: false });
    expect(supervisor.serving.why).toBe('no good');
    routes[0]!.answer();
    await tick();
    last().answer();
    expect(await Promise.all([a.result, b.result])).toEqual([1, 2]);
    expect(events).toEqual([`rollback ${FP32} ${INT8}`, `route ${FP32} ${INT8}`]);
  });

  it('refuses later swaps to what was left', async () => {
    retreat();
    await tick();
    await expect(supervisor.swap(simd)).rejects.toMatchObject({ code: 'NO_CANDIDATE' });
    expect(supervisor).toMatchObject({ state: 'serving', id: INT8 });
  });

  it('from where none of them serves any more only says so', async () => {
    await supervisor.swap(int8);
    events = [];
    retreat();
    expect(events).toEqual([`rollback ${INT8} ${INT8}`]);
    expect(supervisor.state).toBe('serving');
  });

  it('that does not succeed is tried again; the old version serves until then', async () => {
    script[INT8] = 'NETWORK_FAILED';
    retreat();
    await tick();
    expect(supervisor).toMatchObject({ state: 'serving', id: FP32, retreating: true });
    script = {};
    await tick(5000);
    expect(supervisor).toMatchObject({ state: 'serving', id: INT8 });
  });

  it('at the third trap of a run gives it another attempt', async () => {
    let traps = 0;
    observed = ({ failure }) => {
      const relaxed = ({ module }: Target) => module === 'relaxed';
      if (failure && ++traps === 3) supervisor.retreat(relaxed, 'no good');
    };
    const { result } = submit(3);
    for (let i = 0; i < 3; i++) {
      last().fail('ENGINE_TRAP', true);
      await tick();
    }
    expect(supervisor.id).toBe(SIMD);
    last().answer();
    expect(await result).toBe(3);
    expect(events.at(-2)).toBe(`rollback ${INT8} ${SIMD}`);
  });
});

describe('observe', () => {
  it('tells of runs, of failures of any scope, and of starts that fail', async () => {
    const seen: string[] = [];
    observed = ({ target, ms, failure }) =>
      void seen.push(`${idOf(target)} ${failure?.code ?? (ms! >= 0 ? 'ran' : '')}`);
    const a = submit(1);
    last().answer();
    await a.result;
    const b = submit(2);
    last().fail('INPUT_SHAPE');
    await expect(b.result).rejects.toMatchObject({ code: 'INPUT_SHAPE' });
    script[FP32] = 'SELFTEST_FAILED';
    const c = submit(3);
    last().fail('ENGINE_TRAP', true);
    await tick();
    last().answer();
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

it('a failure on the GPU has the adapter asked for again', async () => {
  const requestAdapter = vi.fn(() => Promise.resolve(null));
  vi.stubGlobal('navigator', { gpu: { requestAdapter } });
  forgetGpu();
  const target: Target = { ...(fp32 as LocalTarget), device: 'webgpu' };
  const route = new ManualRoute(target);
  const onGpu = new Supervisor(
    { target, route },
    {
      targets: [target],
      latencyBudgetMs: 300,
      speeds: () => TABLE,
      start: () => Promise.reject(new Failure('ENGINE_START', 'it does not start')),
      emit: () => undefined,
    },
  );
  await probeGpu();
  onGpu.failed(route, new Failure('INPUT_SHAPE', 'the caller was wrong'));
  await probeGpu();
  expect(requestAdapter).toHaveBeenCalledTimes(1);
  onGpu.failed(route, new Failure('OUT_OF_MEMORY', 'no room'));
  await probeGpu();
  expect(requestAdapter).toHaveBeenCalledTimes(2);
  await onGpu.dispose();
  vi.unstubAllGlobals();
});
