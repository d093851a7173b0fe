// A supervisor and a queue over routes whose starts and runs the test decides.
import { vi } from 'vitest';
import type { ErrorCode } from '../../worker/errors.generated.js';
import { Failure } from '../../worker/failure.js';
import { ON_CPU, type Placement, type WireTensor } from '../../worker/protocol.js';
import type { Feed, Route } from '../../router/route.js';
import { TABLE } from '../../router/speeds.js';
import { type RunReport, Supervisor } from '../../router/supervisor.js';
import { idOf, type RouteChange, type Target } from '../../router/target.js';
import { RunQueue } from '../../web/queue.js';
import { RunJob } from '../../web/run_job.js';
import { model } from './scripted_worker.js';

export const targetOf = (
  precision: 'fp32' | 'int8',
  module: 'relaxed' | 'simd' = 'relaxed',
): Target => ({
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
export const [fp32, int8, simd] = [targetOf('fp32'), targetOf('int8'), targetOf('fp32', 'simd')];

// A route whose runs the test ends.
export class ManualRoute implements Route {
  readonly model = model;
  readonly file = undefined;
  readonly threads = 1;
  placement: Placement = ON_CPU;
  readonly memoryBytes = 0;
  closed = false;
  readonly began = performance.now();
  recalled = 0;
  feeds: readonly Feed[] = [];
  // Where it copies the input to, when there is one.
  memory: Uint8Array | undefined;
  #settle: { resolve(value: WireTensor[] | undefined): void; reject(r: unknown): void } | undefined;

  constructor(readonly target: Target) {}

  run(feeds: readonly Feed[]): Promise<WireTensor[] | undefined> {
    if (this.closed) return Promise.reject(new Failure('ENGINE_TRAP', 'run on a dead route'));
    this.feeds = feeds;
    this.memory?.set(new Uint8Array((feeds[0]!.data as Float32Array).buffer));
    return new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
  }

  // Answers what it was fed.
  answer(): void {
    const { data, type, shape } = this.feeds[0]!;
    this.#settle!.resolve([{ output: 0, type, shape, data: data as Float32Array }]);
  }

  fail(code: ErrorCode, closes = false): void {
    this.closed ||= closes;
    this.#settle!.reject(new Failure(code, `${code} of ${idOf(this.target)}`));
  }

  cancel(): void {
    this.#settle?.resolve(undefined);
  }

  fed = () => this.memory;
  profile = () => Promise.reject(new Error('not asked for'));
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

// Of the targets above.
export const [FP32, INT8, SIMD] = ['fp32-cpu-relaxed', 'int8-cpu-relaxed', 'fp32-cpu-simd'];

export class ManualSession {
  readonly routes: ManualRoute[];
  events: string[] = [];
  // What the start of a route fails with, by its id; null: it does not end.
  script: Record<string, ErrorCode | null> = {};
  // Whether there is room for two engines.
  room = true;
  observed: (report: RunReport) => void = () => undefined;
  readonly supervisor: Supervisor;
  readonly #queue = new RunQueue(2000);

  constructor(
    first: Target = fp32,
    targets: readonly Target[] = [fp32, int8, simd],
    passedOver: readonly { readonly target: Target; readonly failure: Failure }[] = [],
  ) {
    this.routes = [new ManualRoute(first)];
    this.supervisor = new Supervisor(
      { target: first, route: this.last },
      {
        targets,
        passedOver,
        latencyBudgetMs: 300,
        speeds: () => TABLE,
        fitsBeside: () => this.room,
        start: (target, signal) => this.#start(target, signal),
        emit: (event, { from, to, error }: RouteChange) =>
          void this.events.push([event, from, to, ...(error ? [error.code] : [])].join(' ')),
        observe: (report) => this.observed(report),
      },
    );
  }

  get last(): ManualRoute {
    return this.routes.at(-1)!;
  }

  // A run that is to answer `value`.
  submit(value: number, feed?: Partial<Feed>) {
    const data = Float32Array.of(value, value);
    const fed: Feed = { input: 0, type: 'float32', shape: [2], data, owned: false, ...feed };
    const job = new RunJob(this.supervisor, [fed], [0]);
    const result = this.#queue.submit(job).then(([y]) => (y!.data as Float32Array)[0]);
    job.keepFeeds();
    result.catch(() => undefined);
    return { result, data };
  }

  // Answers all runs, those that have been submitted before in the order of their answers.
  async answerAll(runs: readonly Promise<number | undefined>[]): Promise<number[]> {
    const order: number[] = [];
    runs.forEach((run) => void run.then((value) => order.push(value!)));
    while (order.length < runs.length) {
      for (const route of this.routes) if (!route.closed && route.feeds.length > 0) route.answer();
      await tick(1);
    }
    return order;
  }

  #start(target: Target, signal: AbortSignal): Promise<Route> {
    const code = this.script[idOf(target)];
    if (code) return Promise.reject(new Failure(code, `${code} at start`));
    if (code === null) {
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      );
    }
    const route = new ManualRoute(target);
    this.routes.push(route);
    return Promise.resolve(route);
  }
}

export const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
