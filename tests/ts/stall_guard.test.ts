import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { StallGuard } from '../../router/stall_guard.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('aborts when nothing comes for too long, and only then', () => {
  const guard = new StallGuard(undefined, 1000);
  vi.advanceTimersByTime(5000);
  for (let i = 0; i < 5; i++) {
    guard.arm();
    vi.advanceTimersByTime(900);
  }
  expect(guard.signal.aborted).toBe(false);
  guard.disarm();
  vi.advanceTimersByTime(5000);
  expect(guard.signal.aborted).toBe(false);
  guard.arm();
  vi.advanceTimersByTime(1000);
  expect(guard.signal.reason).toMatchObject({ code: 'NETWORK_FAILED' });
});

it("aborts with the caller's reason until it ends", () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const guard = new StallGuard(first.signal, 1000);
  first.abort('enough');
  expect(guard.signal.reason).toBe('enough');
  const ended = new StallGuard(second.signal, 1000);
  ended.arm();
  ended.end();
  second.abort();
  vi.advanceTimersByTime(5000);
  expect(ended.signal.aborted).toBe(false);
});
