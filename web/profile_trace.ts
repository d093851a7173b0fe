// A profile in the Trace Event Format (Google, "Trace Event Format", 2016).
import type { StepProfile } from '../worker/protocol.js';
import type { Profile } from './profile.js';

export interface TraceEvent {
  readonly name: string;
  /** 'X' is an event with a duration, 'M' names a process or thread. */
  readonly ph: 'X' | 'M';
  readonly pid: number;
  readonly tid: number;
  /** In µs. */
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface Trace {
  readonly displayTimeUnit: 'ms' | 'ns';
  readonly traceEvents: readonly TraceEvent[];
}

const PLACE = { pid: 1, tid: 1 };

const naming = (name: string, of: string): TraceEvent => ({
  name,
  ph: 'M',
  ...PLACE,
  args: { name: of },
});

const event = (name: string, cat: string, ts: number, ms: number, args: object): TraceEvent => ({
  name,
  cat,
  ph: 'X',
  ...PLACE,
  ts,
  dur: ms * 1000,
  args: { ...args },
});

// Operations per second as a profile has them per run.
const rates = ({ ms, flops, bytes }: StepProfile) => ({
  'GFLOP/s': ms > 0 ? flops / ms / 1e6 : 0,
  'GB/s': ms > 0 ? bytes / ms / 1e6 : 0,
});

export function traceOf({ route, runs, ms, overheadMs, steps }: Profile): Trace {
  const events = [
    naming('process_name', `Sardonyx on ${route.id}`),
    naming('thread_name', `engine, ${route.threads} ${route.threads === 1 ? 'thread' : 'threads'}`),
    event('run', 'run', 0, ms, { runs, overheadMs }),
  ];
  // Where the next step of each depth begins. Time that is in no step comes last.
  const next = [0];
  let previous = { depth: 0, ts: 0 };
  for (const step of steps) {
    const { node, operator, depth, outputs, ms, ...rest } = step;
    if (depth > previous.depth) next[depth] = previous.ts;
    const ts = next[depth]!;
    const shapes = outputs.map(
      ({ type, layout, shape }) => `${type} [${shape.join(', ')}] ${layout}`,
    );
    const args = { node, outputs: shapes, ...rest, ...rates(step) };
    events.push(event(`${operator} ${node}`.trim(), operator, ts, ms, args));
    next[depth] = ts + ms * 1000;
    previous = { depth, ts };
  }
  return { displayTimeUnit: 'ms', traceEvents: events };
}
