// Profiles of a run: on the CPU the JSON of sx_run_profile(), which has sums over all runs.
import type { Plan, RunProfile, StepProfile } from './protocol.js';

type Output = StepProfile['outputs'][number];

interface RawProfile {
  readonly runs: number;
  readonly ns: number;
  readonly steps: readonly (Omit<StepProfile, 'device' | 'ms' | 'outputs'> & {
    readonly ns: number;
    readonly outputs: readonly (Omit<Output, 'type'> & { readonly dtype: Output['type'] })[];
  })[];
}

/** Of runs on a GPU. */
export interface GpuTimes {
  readonly runs: number;
  /** Per run. */
  readonly ms: number;
  /** Per run, by the number of the step; what it lacks has run on the CPU. */
  readonly steps: ReadonlyMap<number, number>;
  /** The profile of all steps on the CPU, each of which has run once or more. */
  readonly onCpu: string;
}

export function profileFrom(json: string): RunProfile {
  const { runs, ns, steps } = JSON.parse(json) as RawProfile;
  return { runs, ms: ns / 1e6 / runs, steps: steps.map((step) => stepFrom(step, runs)) };
}

/** `plan` has the steps of the run in the same order. */
export function gpuProfileFrom(
  { runs, ms, steps: times, onCpu }: GpuTimes,
  plan: Plan['steps'],
): RunProfile {
  const { steps } = JSON.parse(onCpu) as RawProfile;
  const rows = steps.map((raw, i) => {
    const step = stepFrom(raw, raw.calls);
    const { device, kernel } = plan[i]!;
    return { ...step, device, kernel, ms: times.get(i) ?? step.ms };
  });
  return { runs, ms, steps: rows };
}

function stepFrom(
  { ns, body, calls, flops, bytes, outputs, ...step }: RawProfile['steps'][number],
  runs: number,
): StepProfile {
  const perRun = calls / runs;
  return {
    ...step,
    device: 'cpu',
    ...(body ? { body } : {}),
    calls: perRun,
    ms: ns / 1e6 / runs,
    flops: flops * perRun,
    bytes: bytes * perRun,
    outputs: outputs.map(({ dtype, layout, shape }) => ({ type: dtype, layout, shape })),
  };
}
