// Which clients run a candidate version, and what is thought of it: pure functions.
import type { Rollout } from '../manifest/parse.js';
import { fnv1a } from './fnv1a.js';

/** What a client has seen of a candidate version. */
export interface Counts {
  readonly runs: number;
  // By the fault of a route; each is one of the runs.
  readonly errors: number;
}

/** 'hold': not enough is known. */
export type Verdict = 'hold' | 'healthy' | 'rolled back';

const BUCKETS = 10_000;
const MIN_ERRORS = 3;
const ERROR_BUDGET = 0.005;
// Without an error in 3000 runs, less than 0.1 % fail with 95 % confidence.
const HEALTHY_RUNS = 3000;
const HEALTHY_ERRORS = 0.001;

// 0 to 9999. The same for a client as long as it is the same version.
export function bucketOf(client: string, model: string, version: string): number {
  return fnv1a(JSON.stringify([model, version, client])) % BUCKETS;
}

export const isIn = (bucket: number, { percent }: Pick<Rollout, 'percent'>) =>
  bucket < percent * 100;

export function judge(
  { runs, errors }: Counts,
  { errorBudget = ERROR_BUDGET }: Pick<Rollout, 'errorBudget'> = {},
): Verdict {
  if (errors >= MIN_ERRORS && errors / runs >= errorBudget) return 'rolled back';
  return runs >= HEALTHY_RUNS && errors / runs < HEALTHY_ERRORS ? 'healthy' : 'hold';
}
