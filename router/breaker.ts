// What a session remembers of one route. A route that fails too often is left alone for a while, longer
// each time, then for good.
import { ERRORS, type ErrorCode } from '../worker/errors.generated.js';

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
const REST_MS = 5_000;

export function counted(health: Health, now: number): Health {
  const recent = health.errors.filter((time) => now - time < ERROR_WINDOW_MS);
  return { ...health, errors: [...recent, now] };
}

export function open(health: Health, now: number): Health {
  const wait = BACK_OFF_MS[health.opened] ?? Infinity;
  return { ...health, errors: [], opened: health.opened + 1, until: now + wait };
}

// For what is no fault of the route.
export const rest = (health: Health, now: number): Health => ({
  ...health,
  until: Math.max(health.until, now + REST_MS),
});

export const closeForGood = (health: Health): Health => ({ ...health, until: Infinity });

export const isReady = (health: Health, now: number) => health.until <= now;

const LASTING = new Set<ErrorCode>(['SELFTEST_FAILED', 'ENGINE_VERSION']);

// `needed`: no other route serves as it should, so a missing network is asked for as often as it takes.
export function afterFailedStart(
  health: Health,
  code: ErrorCode,
  now: number,
  needed: boolean,
): Health {
  const [, scope] = ERRORS[code];
  const elsewhere = scope === 'network' || scope === 'storage';
  if (elsewhere && needed) return rest(health, now);
  const again = elsewhere || (scope === 'route' && !LASTING.has(code));
  return again ? open(health, now) : closeForGood(health);
}
