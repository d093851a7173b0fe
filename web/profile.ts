import type { RunProfile, StepProfile } from '../worker/protocol.js';
import { traceOf, type Trace } from './profile_trace.js';
import type { Route } from './session.js';

/** Where the time of a run goes. Times, flops and bytes are those of one run, on average. */
export class Profile {
  /** What ran the model. */
  readonly route: Route;
  readonly runs: number;
  /** In the engine; without copying feeds and results and without messages. */
  readonly ms: number;
  /** Of these, what is in no step. */
  readonly overheadMs: number;
  readonly flops: number;
  readonly bytes: number;
  /** In the order in which they run; steps of bodies follow the step that has the body. */
  readonly steps: readonly StepProfile[];

  /** Made by Session.profile(). */
  constructor({ runs, ms, steps }: RunProfile, route: Route) {
    this.route = route;
    this.runs = runs;
    this.ms = ms;
    this.overheadMs = Math.max(
      0,
      ms - sum(steps.filter(({ depth }) => depth === 0).map(({ ms }) => ms)),
    );
    this.flops = sum(steps.map(({ flops }) => flops));
    this.bytes = sum(steps.map(({ bytes }) => bytes));
    this.steps = steps;
  }

  /**
   * One run in the format of Chrome's traces, which chrome://tracing and ui.perfetto.dev open once it is
   * saved as JSON: each step as long as it takes on average, one after another.
   */
  toTrace(): Trace {
    return traceOf(this);
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
