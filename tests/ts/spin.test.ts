import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Spin } from '../../router/spin.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.runAllTimers();
  vi.useRealTimers();
});

function spinOf(ms: number, alone = true): Spin {
  const spin = new Spin(2);
  spin.took({ ms, alone });
  return spin;
}

it('waits for fast engines only, and never long', () => {
  expect(new Spin(2).allowance(1)).toBe(0);
  expect(spinOf(0.05).allowance(1)).toBeGreaterThan(0.05);
  expect(spinOf(0.3).allowance(1)).toBe(0.4);
  expect(spinOf(0.31).allowance(1)).toBe(0);
});

it('does not wait on a core that the engine needs', () => {
  const spin = new Spin(1);
  spin.took({ ms: 0.05, alone: true });
  expect(spin.allowance(1)).toBe(0);
  expect(spinOf(0.05, false).allowance(2)).toBe(0);
  expect(spinOf(0.05, false).allowance(1)).toBeGreaterThan(0);
  expect(spinOf(0.05).allowance(2)).toBeGreaterThan(0);
});

it('goes by the shortest of recent times', () => {
  const spin = spinOf(5);
  spin.took({ ms: 0.1, alone: true });
  spin.took({ ms: 9, alone: true });
  expect(spin.allowance(1)).toBeGreaterThan(0);
  for (let i = 0; i < 4; i++) spin.took({ ms: 9, alone: true });
  expect(spin.allowance(1)).toBe(0);
});

it('rests after a wait in vain, longer each time, until one succeeds', () => {
  const spin = spinOf(0.05);
  const rest = () => {
    let runs = 0;
    while (spin.allowance(1) === 0) runs++;
    return runs;
  };
  const rests = Array.from({ length: 5 }, () => {
    spin.ended(false);
    return rest();
  });
  expect(rests).toEqual([1, 2, 4, 8, 8]);
  spin.ended(true);
  expect(rest()).toBe(0);
  spin.ended(false);
  expect(rest()).toBe(1);
});

it('leaves the event loop a turn after some milliseconds of all sessions', () => {
  const [one, other] = [spinOf(0.05), spinOf(0.05)];
  expect(one.allowance(1)).toBeGreaterThan(0);
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 9);
  expect(one.allowance(1)).toBe(0);
  expect(other.allowance(1)).toBe(0);
  vi.runAllTimers();
  expect(other.allowance(1)).toBeGreaterThan(0);
  vi.restoreAllMocks();
});
