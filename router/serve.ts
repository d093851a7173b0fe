// Starts candidates in their order until one serves: loads, stays on its device, and gives the known
// answers.
import { ERRORS, type ErrorCode } from '../worker/errors.generated.js';
import { asFailure, type Attempt, Failure } from '../worker/failure.js';
import { type Candidate, nameOf } from './candidates.js';
import { gpuRefused } from './gpu_loss.js';
import type { Route, RouteDevice } from './route.js';

export interface Served<T extends Candidate = Candidate> {
  readonly candidate: T;
  readonly route: Route;
  // Tried before it, in their order.
  readonly passedOver: readonly Failed<T>[];
}

export interface Failed<T> {
  readonly candidate: T;
  readonly failure: Failure;
}

export interface StartHooks<T> {
  start(candidate: T): Promise<Route>;
  selfTest(route: Route, candidate: T): Promise<void>;
  // The device gave a wrong answer or could not be had.
  onBan?(candidate: T, failure: Failure): void;
}

// Rejects with signal.reason, with what the caller did wrong, or with the failure of all candidates:
// ROUTES_EXHAUSTED when they failed in different ways. It then has `attempts`.
export async function serve<T extends Candidate>(
  ranked: readonly T[],
  hooks: StartHooks<T>,
  signal?: AbortSignal,
): Promise<Served<T>> {
  const passedOver: Failed<T>[] = [];
  let rest = ranked;
  for (;;) {
    const candidate = rest[0];
    if (!candidate) {
      const failures = passedOver.map(({ failure }) => failure);
      throw exhausted(passedOver.map(attemptOf), failures);
    }
    try {
      const route = await startVerified(candidate, hooks, signal);
      return { candidate, route, passedOver };
    } catch (thrown) {
      signal?.throwIfAborted();
      const failure = asFailure(thrown);
      const [, scope] = ERRORS[failure.code];
      if (scope === 'caller') throw failure;
      passedOver.push({ candidate, failure });
      rest = rest.filter((other) => other !== candidate && !shares(other, candidate, scope));
    }
  }
}

export const attemptOf = ({ candidate, failure }: Failed<Candidate>): Attempt => ({
  route: nameOf(candidate),
  code: failure.code,
  message: failure.message,
});

const BANNING = new Set<ErrorCode>(['SELFTEST_FAILED', 'DEVICE_UNAVAILABLE']);

// Whether what stopped `failed` will stop `other` too: a wrong file or model does so on every device,
// a GPU with every variant.
function shares(other: Candidate, failed: Candidate, scope: string): boolean {
  if (scope !== 'route') return other.variant === failed.variant;
  return failed.device === 'webgpu' && other.device === 'webgpu';
}

// A route that is on its device and gives the known answers.
export async function startVerified<T extends { readonly device: RouteDevice }>(
  candidate: T,
  hooks: StartHooks<T>,
  signal: AbortSignal | undefined,
): Promise<Route> {
  try {
    return await startAndTest(candidate, hooks, signal);
  } catch (thrown) {
    const failure = asFailure(thrown);
    const failed = !signal?.aborted && ERRORS[failure.code][1] === 'route';
    if (failed && candidate.device === 'webgpu') gpuRefused(failure.message);
    if (failed && BANNING.has(failure.code)) hooks.onBan?.(candidate, failure);
    throw thrown;
  }
}

async function startAndTest<T extends { readonly device: RouteDevice }>(
  candidate: T,
  hooks: StartHooks<T>,
  signal: AbortSignal | undefined,
): Promise<Route> {
  const route = await hooks.start(candidate);
  const abort = () => void route.dispose();
  signal?.addEventListener('abort', abort);
  try {
    checkDevice(route, candidate.device);
    await hooks.selfTest(route, candidate);
    signal?.throwIfAborted();
    checkDevice(route, candidate.device);
    return route;
  } catch (thrown) {
    await route.dispose();
    throw thrown;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

// The engine leaves a GPU by itself when it computes wrongly or is lost.
function checkDevice({ placement }: Route, device: RouteDevice): void {
  if (placement.device === device) return;
  throw new Failure('DEVICE_UNAVAILABLE', placement.why.at(-1) ?? `left ${device}`);
}

// One failure for all: their own when they failed alike.
export function exhausted(attempts: readonly Attempt[], failures: readonly Failure[]): Failure {
  const first = failures[0];
  const alike = first && failures.every(({ code }) => code === first.code);
  const texts = attempts.map(({ route, message }) => `${route}: ${message}`);
  const failure = alike
    ? new Failure(first.code, first.message, first.where)
    : new Failure('ROUTES_EXHAUSTED', `no candidate could serve: ${texts.join('; ')}`);
  failure.attempts = attempts;
  return failure;
}
