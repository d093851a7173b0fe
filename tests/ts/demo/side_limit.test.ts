import { expect, it } from 'vitest';
import { sideLimit } from '../../../web/demo/side_limit';

it('lets fast devices take larger pictures', () => {
  expect(sideLimit(undefined)).toBe(1024);
  expect(sideLimit(0.0001)).toBe(2048);
  expect(sideLimit(10_000 / (0.75 * 1024 * 1024))).toBe(1024);
  expect(sideLimit(0.02)).toBe(768);
  expect(sideLimit(1)).toBe(512);
});
