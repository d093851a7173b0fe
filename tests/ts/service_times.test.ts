import { describe, expect, it } from 'vitest';
import { ServiceTimes } from '../../router/service_times.js';

const many = (times: ServiceTimes, count: number, ms: number) =>
  Array.from({ length: count }, () => times.add(ms)).filter((window) => window !== undefined);

describe('ServiceTimes', () => {
  it('says nothing before 20 runs, the five first left out', () => {
    const times = new ServiceTimes(300);
    expect(many(times, 5, 5000)).toEqual([]);
    expect(many(times, 19, 100)).toEqual([]);
    expect(many(times, 1, 100)).toEqual([{ ms: 100, over: false }]);
  });

  it('is over the budget after two windows in a row', () => {
    const times = new ServiceTimes(300);
    expect(many(times, 65, 400).map(({ over }) => over)).toEqual([false, true, true]);
  });

  it('is not when one of them was not', () => {
    const times = new ServiceTimes(300);
    many(times, 25, 400);
    expect(many(times, 100, 100).map(({ over }) => over)).not.toContain(true);
    expect(many(times, 20, 400).map(({ over }) => over)).toEqual([false]);
  });

  it('looks at the 95th percentile, gives the median, and forgets after 50 runs', () => {
    const times = new ServiceTimes(300);
    many(times, 5, 1);
    const mixed = (slow: number) => [...many(times, 20 - slow, 100), ...many(times, slow, 400)];
    expect(mixed(1)).toEqual([{ ms: 100, over: false }]);
    expect(mixed(1)).toEqual([{ ms: 100, over: false }]);
    expect(mixed(10)).toEqual([{ ms: 100, over: false }]);
    expect(mixed(10)).toEqual([{ ms: 100, over: true }]);
    expect(mixed(1)).toEqual([{ ms: 100, over: false }]);
    expect(many(times, 60, 50).at(-1)).toEqual({ ms: 50, over: false });
  });

  it('begins again with another route', () => {
    const times = new ServiceTimes(300);
    many(times, 25, 400);
    times.reset();
    expect(many(times, 25, 400)).toEqual([{ ms: 400, over: false }]);
  });
});
