import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from '../../worker/failure.js';
import type { ErrorCode } from '../../worker/errors.generated.js';
import { packBox, type PackedTensor, packStrings } from '../../worker/packed.js';
import { ON_CPU, type ValueInfo, type WireTensor } from '../../worker/protocol.js';
import type { Route } from '../../router/route.js';
import { type AnsweredRun, Shadow, type ShadowReport } from '../../router/shadow.js';
import type { LocalTarget } from '../../router/target.js';
import { sampleManifest } from './sample_manifest.js';
import { model } from './scripted_worker.js';

const target: LocalTarget = {
  variant: sampleManifest().variants[0]!,
  device: 'cpu',
  module: 'simd',
  threads: 1,
  why: [],
  release: {
    manifest: { ...sampleManifest(), version: '2' },
    url: 'https://e.org/',
    candidate: true,
  },
};
const tensor = (...values: number[]): WireTensor => ({
  output: 0,
  type: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});
const run = (...values: number[]): AnsweredRun => ({
  feeds: [{ input: 0, type: 'float32', shape: [2], data: Float32Array.of(1, 2), owned: true }],
  outputs: [0],
  results: [tensor(...values)],
  ms: 3,
});

let routes: Route[];
let reports: ShadowReport[];
let judged: string[];
// What the candidate answers next: a tensor, an error, one that ends its route, or nothing ever.
let answers: (WireTensor | ErrorCode | 'trap' | 'never')[];
let startFails: ErrorCode | undefined;
let released: number;
let isStable: boolean;
let outputKind: ValueInfo['kind'];

function startRoute(): Route {
  const route = {
    model: { ...model, outputs: model.outputs.map((info) => ({ ...info, kind: outputKind })) },
    file: undefined,
    threads: 1,
    placement: ON_CPU,
    memoryBytes: 0,
    closed: false,
    run(): Promise<readonly WireTensor[]> {
      const answer = answers.shift() ?? tensor(1, 2);
      if (answer === 'never') return new Promise(() => undefined);
      if (answer === 'trap') route.closed = true;
      if (typeof answer === 'string') {
        return Promise.reject(new Failure(answer === 'trap' ? 'ENGINE_TRAP' : answer, answer));
      }
      return Promise.resolve([answer]);
    },
    cancel: () => undefined,
    fed: () => undefined,
    profile: () => Promise.reject(new Error('not asked for')),
    explain: () => Promise.reject(new Error('not asked for')),
    lend: () => undefined,
    takeBack: () => undefined,
    recall: () => undefined,
    dispose(): Promise<void> {
      route.closed = true;
      return Promise.resolve();
    },
  };
  routes.push(route);
  return route;
}

const shadowOf = (share = 1, random = () => 0) =>
  new Shadow({
    share,
    random,
    isStable: () => isStable,
    report: (report) => void reports.push(report),
    start: () =>
      startFails
        ? Promise.reject(new Failure(startFails, 'at start'))
        : Promise.resolve({ target, route: startRoute(), release: () => (released += 1) }),
    watch: {
      observe: ({ ms, failure }) => void judged.push(failure?.code ?? `ran ${ms}`),
      refused({ code }) {
        judged.push(`refused ${code}`);
        return Promise.resolve();
      },
    },
  });

const tick = () => vi.advanceTimersByTimeAsync(1);

beforeEach(() => {
  vi.useFakeTimers();
  outputKind = 'tensor';
  [routes, reports, judged, answers, startFails, released, isStable] = [
    [],
    [],
    [],
    [],
    undefined,
    0,
    true,
  ];
  return () => void vi.useRealTimers();
});

describe('a shadow', () => {
  it('starts the candidate at the first run, and tells how its answers differ', async () => {
    const shadow = shadowOf();
    expect(routes).toHaveLength(0);
    answers = [tensor(1, 2), tensor(1.5, 2), tensor(NaN, 2), tensor(1)];
    for (let i = 0; i < 4; i++) {
      expect(shadow.wants()).toBe(true);
      shadow.repeat(run(1, 2));
      await tick();
    }
    expect(routes).toHaveLength(1);
    const differences = reports.map((report) => report.differences?.get(0));
    expect(differences).toEqual([
      { maxAbs: 0, maxRel: 0 },
      { maxAbs: 0.5, maxRel: 1 / 3 },
      { maxAbs: Infinity, maxRel: Infinity },
      { maxAbs: Infinity, maxRel: Infinity },
    ]);
    expect(reports[0]).toMatchObject({
      id: 'fp32-cpu-simd@2',
      stableMs: 3,
      dropped: 0,
      stopped: false,
    });
    expect(reports[0]!.candidateMs).toBeGreaterThanOrEqual(0);
    // Its time is not judged.
    expect(judged).toEqual(Array.from({ length: 4 }, () => 'ran undefined'));
  });

  it('compares what is in sequences, and strings as a whole', async () => {
    outputKind = 'sequence';
    const box = (...list: PackedTensor[]): WireTensor => ({ ...tensor(), data: packBox(list) });
    const text = (letters: string): PackedTensor => ({
      type: 'string',
      shape: [1],
      data: packStrings([letters]),
    });
    const numbers = { ...run(), results: [box(tensor(1, 2), tensor(3))] };
    const letters = { ...run(), results: [box(text('a'))] };
    const cases = [
      { answered: numbers, gives: box(tensor(1, 2), tensor(3)), off: 0 },
      { answered: numbers, gives: box(tensor(1, 2.5), tensor(3)), off: 0.5 },
      { answered: numbers, gives: box(tensor(1, 2)), off: Infinity },
      { answered: numbers, gives: box(tensor(1, 2), text('3')), off: Infinity },
      { answered: letters, gives: box(text('a')), off: 0 },
      { answered: letters, gives: box(text('b')), off: Infinity },
    ];
    answers = cases.map(({ gives }) => gives);
    const shadow = shadowOf();
    for (const { answered } of cases) {
      shadow.repeat(answered);
      await tick();
    }
    const found = reports.map(({ differences }) => differences?.get(0)?.maxAbs);
    expect(found).toEqual(cases.map(({ off }) => off));
  });

  it('does nothing before the caller has its answer', () => {
    const shadow = shadowOf();
    shadow.repeat(run(1, 2));
    expect(routes).toHaveLength(0);
    vi.advanceTimersByTime(0);
  });

  it('takes a share of the runs, and none while the candidate serves', () => {
    const numbers = [0, 0.24, 0.25, 0.9];
    const shadow = shadowOf(0.25, () => numbers.shift()!);
    expect([1, 2, 3, 4].map(() => shadow.wants())).toEqual([true, true, false, false]);
    isStable = false;
    expect(shadowOf().wants()).toBe(false);
  });

  it('that is behind drops runs and counts them', async () => {
    answers = ['never'];
    const shadow = shadowOf();
    const taken: boolean[] = [];
    for (let i = 0; i < 6; i++) {
      taken.push(shadow.wants());
      if (taken.at(-1)) shadow.repeat(run(1, 2));
      await tick();
    }
    // One under way, two that wait.
    expect(taken).toEqual([true, true, true, false, false, false]);
    expect(reports).toEqual([]);
    await shadow.end();
    expect(routes[0]!.closed).toBe(true);
  });

  it('tells of dropped runs with the next report', async () => {
    const shadow = shadowOf();
    for (let i = 0; i < 4; i++) if (shadow.wants()) shadow.repeat(run(1, 2));
    await tick();
    expect(reports.map(({ dropped }) => dropped)).toEqual([2, 0]);
  });

  it('starts anew after a trap, and stops at the third error of a route', async () => {
    answers = ['trap', tensor(1, 2), 'OUT_OF_MEMORY', 'INPUT_SHAPE', 'trap'];
    const shadow = shadowOf();
    for (let i = 0; i < 6; i++) {
      if (shadow.wants()) shadow.repeat(run(1, 2));
      await tick();
    }
    expect(reports.map(({ failure, stopped }) => [failure?.code, stopped])).toEqual([
      ['ENGINE_TRAP', false],
      [undefined, false],
      ['OUT_OF_MEMORY', false],
      ['INPUT_SHAPE', false],
      ['ENGINE_TRAP', true],
    ]);
    expect(judged).toEqual(['ENGINE_TRAP', 'ran undefined', 'OUT_OF_MEMORY', 'ENGINE_TRAP']);
    expect(shadow.wants()).toBe(false);
    expect([routes.length, released]).toEqual([2, 2]);
    expect(routes.every(({ closed }) => closed)).toBe(true);
  });

  it('starts anew when its route has ended between two runs', async () => {
    const shadow = shadowOf();
    shadow.repeat(run(1, 2));
    await tick();
    await routes[0]!.dispose();
    shadow.repeat(run(1, 2));
    await tick();
    expect([reports.length, routes.length, released]).toEqual([2, 2, 1]);
  });

  it('stops where the candidate does not start', async () => {
    startFails = 'SELFTEST_FAILED';
    const shadow = shadowOf();
    shadow.repeat(run(1, 2));
    await tick();
    expect(reports).toMatchObject([{ failure: { code: 'SELFTEST_FAILED' }, stopped: true }]);
    expect(reports[0]).not.toHaveProperty('id');
    expect(judged).toEqual(['refused SELFTEST_FAILED']);
    expect(shadow.wants()).toBe(false);
  });

  it('that ends while the candidate starts leaves nothing behind', async () => {
    const shadow = shadowOf();
    shadow.repeat(run(1, 2));
    vi.advanceTimersByTime(1);
    await shadow.end();
    await tick();
    expect(reports).toEqual([]);
    expect(routes.map(({ closed }) => closed)).toEqual([true]);
    expect(released).toBe(1);
  });
});
