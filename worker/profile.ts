// The JSON of sx_run_profile(), which has sums over all runs.
import type { RunProfile, StepProfile } from './protocol.js';

type Output = StepProfile['outputs'][number];

interface RawProfile {
  readonly runs: number;
  readonly ns: number;
  readonly steps: readonly (Omit<StepProfile, 'ms' | 'outputs'> & {
    readonly ns: number;
    readonly outputs: readonly (Omit<Output, 'type'> & { readonly dtype: Output['type'] })[];
  })[];
}

export function profileFrom(json: string): RunProfile {
  const { runs, ns, steps } = JSON.parse(json) as RawProfile;
  return {
    runs,
    ms: ns / 1e6 / runs,
    steps: steps.map(({ ns, body, calls, flops, bytes, outputs, ...step }) => {
      const perRun = calls / runs;
      return {
        ...step,
        ...(body ? { body } : {}),
        calls: perRun,
        ms: ns / 1e6 / runs,
        flops: flops * perRun,
        bytes: bytes * perRun,
        outputs: outputs.map(({ dtype, layout, shape }) => ({ type: dtype, layout, shape })),
      };
    }),
  };
}
