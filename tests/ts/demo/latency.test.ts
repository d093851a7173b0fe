import { expect, it } from 'vitest';
import { Latency, formatMs } from '../../../web/demo/latency';

it('gives nearest-rank percentiles of the last runs', () => {
  const latency = new Latency(20);
  expect(latency.percentile(50)).toBeUndefined();
  for (let ms = 100; ms >= 1; ms--) latency.add(ms);
  expect(latency.percentile(50)).toBe(10);
  expect(latency.percentile(95)).toBe(19);
  expect(latency.percentile(100)).toBe(20);
  expect(latency.percentile(0)).toBe(1);
});

it('writes milliseconds with as many digits as mean something', () => {
  expect(formatMs(undefined)).toBe('–');
  expect(formatMs(0.238)).toBe('0.24 ms');
  expect(formatMs(9.94)).toBe('9.9 ms');
  expect(formatMs(123.7)).toBe('124 ms');
});
