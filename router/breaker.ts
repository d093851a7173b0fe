// What a session remembers of one route. A route that fails too often is left alone for a while, longer
// each time, then for good.
export interface Health {
  // Times of route-scope errors, of the last minute.
  readonly errors: readonly number[];
  // How often it was left alone.
  readonly opened: number;
  // When it may be tried again; Infinity is never.
  readonly until: number;
  // Median service time of its last runs.
  readonly ms?: number;
}

export const HEALTHY: Health = { errors: [], opened: 0, until: 0 };

const ERROR_WINDOW_MS = 60_000;
const BACK_OFF_MS = [5_000, 30_000, 300_000];
// What a missing network does to a start is no fault of the route.
const NETWORK_WAIT_MS = 5_000;

export function counted(health: Health, now: number): Health {
  const recent = health.errors.filter((time) => now - time < ERROR_WINDOW_MS);
  return { ...health, errors: [...recent, now] };
}

export function open(health: Health, now: number): Health {
  const wait = BACK_OFF_MS[health.opened] ?? Infinity;
  return { ...health, errors: [], opened: health.opened + 1, until: now + wait };
}

export const waitForNetwork = (health: Health, now: number): Health => ({
  ...health,
  until: Math.max(health.until, now + NETWORK_WAIT_MS),
});

export const closeForGood = (health: Health): Health => ({ ...health, until: Infinity });

export const isReady = (health: Health, now: number) => health.until <= now;
