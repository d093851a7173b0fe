// A profile as a trace: what chrome://tracing and Perfetto take it for.
import { expect, it } from 'vitest';
import type { StepProfile } from '../../worker/protocol.js';
import { Profile } from '../../web/profile.js';
import type { TraceEvent } from '../../web/profile_trace.js';

const step = (node: string, ms: number, depth = 0): StepProfile => ({
  node,
  operator: 'Add',
  device: 'cpu',
  kernel: 'add',
  depth,
  ...(depth > 0 ? { body: 'the body of Loop' } : {}),
  calls: 1,
  ms,
  flops: 1000,
  bytes: 12000,
  outputs: [{ type: 'float32', layout: 'row-major', shape: [2, 500] }],
});

const route = { id: 'cpu-relaxed', device: 'cpu', threads: 2, isolated: true, why: [] } as const;
const profile = new Profile(
  {
    runs: 4,
    ms: 1.5,
    steps: [
      step('a', 0.25),
      step('loop', 0.75),
      step('b', 0.125, 1),
      step('inner', 0.5, 1),
      step('c', 0.25, 2),
      step('d', 0.0625, 1),
      step('', 0.125),
    ],
  },
  route,
);

const spans = (events: readonly TraceEvent[]) =>
  events
    .filter(({ ph }) => ph === 'X')
    .map(({ name, ts, dur }): [string, number, number] => [name, ts!, ts! + dur!]);

it('adds up steps outside of bodies', () => {
  expect(profile.overheadMs).toBeCloseTo(1.5 - 0.25 - 0.75 - 0.125, 12);
  expect(profile.flops).toBe(7000);
  expect(profile.bytes).toBe(84000);
});

it('follows the Trace Event Format', () => {
  const trace = JSON.parse(JSON.stringify(profile.toTrace())) as ReturnType<Profile['toTrace']>;
  expect(['ms', 'ns']).toContain(trace.displayTimeUnit);
  for (const event of trace.traceEvents) {
    expect(event).toMatchObject({
      name: expect.stringMatching(/./) as string,
      pid: expect.any(Number) as number,
      tid: expect.any(Number) as number,
      args: expect.any(Object) as object,
    });
    if (event.ph === 'M') expect(event.args).toEqual({ name: expect.any(String) as string });
    else {
      expect(event.ph).toBe('X');
      expect(event.ts).toBeGreaterThanOrEqual(0);
      expect(event.dur).toBeGreaterThanOrEqual(0);
      expect(event.cat).toMatch(/./);
    }
  }
  const named = trace.traceEvents.filter(({ ph }) => ph === 'M').map(({ name }) => name);
  expect(named).toEqual(['process_name', 'thread_name']);
});

it('puts steps one after another, those of a body inside of its step', () => {
  expect(spans(profile.toTrace().traceEvents)).toEqual([
    ['run', 0, 1500],
    ['Add a', 0, 250],
    ['Add loop', 250, 1000],
    ['Add b', 250, 375],
    ['Add inner', 375, 875],
    ['Add c', 375, 625],
    ['Add d', 875, 937.5],
    ['Add', 1000, 1125],
  ]);
  const { args } = profile.toTrace().traceEvents.find(({ name }) => name === 'Add a')!;
  expect(args).toMatchObject({
    kernel: 'add',
    node: 'a',
    outputs: ['float32 [2, 500] row-major'],
    'GFLOP/s': 0.004,
    'GB/s': 0.048,
  });
});
