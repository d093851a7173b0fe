import { describe, expect, it } from 'vitest';
import { fitsBeside, heldBytes, holds } from '../../router/room.js';
import type { Route } from '../../router/route.js';
import { REMOTE, type Target } from '../../router/target.js';

const MB = 2 ** 20;

interface Model {
  readonly name?: string;
  readonly bytes?: number;
  // What the manifest says that it needs.
  readonly needs?: number;
}

const target = ({ name = 'a', bytes = 1, needs }: Model): Target => ({
  variant: {
    name,
    precision: 'fp32',
    url: 'm.onnx',
    bytes: bytes * MB,
    sha256: name,
    devices: ['cpu'],
    opset: 17,
    ...(needs === undefined ? {} : { needs: { memoryBytes: needs * MB } }),
  },
  device: 'cpu',
  module: 'simd',
  threads: 1,
  why: [],
});

interface Case {
  readonly title: string;
  readonly served?: Model;
  // What its engine has.
  readonly takes?: number;
  readonly next?: Model;
  // What other models of the page have.
  readonly others?: number;
  readonly machine?: number;
  readonly fits: boolean;
}

const cases: readonly Case[] = [
  { title: 'small models fit', fits: true },
  { title: 'nothing is known of the machine', takes: 9999, machine: NaN, fits: true },
  { title: 'the same model takes as much again', takes: 600, fits: false },
  { title: 'and fits where that is there', takes: 500, fits: true },
  {
    title: 'another one is known by its bytes',
    takes: 600,
    next: { name: 'b', bytes: 500 },
    fits: false,
  },
  { title: 'or by its needs', takes: 600, next: { name: 'b', needs: 500 }, fits: false },
  { title: 'both fit', takes: 600, next: { name: 'b', needs: 400 }, fits: true },
  {
    title: 'what serves has not taken all that it needs yet',
    served: { needs: 900 },
    takes: 10,
    next: { name: 'b', needs: 200 },
    fits: false,
  },
  {
    title: 'it has taken more than it said',
    served: { needs: 10 },
    takes: 900,
    next: { name: 'b', needs: 200 },
    fits: false,
  },
  { title: 'other models of the page count', takes: 100, others: 900, fits: false },
];

describe('fitsBeside', () => {
  it.each(cases)(
    '$title',
    ({ served = {}, takes = 0, next = {}, others = 0, machine = 2048, fits }) => {
      const serving = { target: target(served), route: { memoryBytes: takes * MB } as Route };
      const memory = Number.isNaN(machine) ? undefined : machine * MB;
      const held = (takes + others) * MB;
      expect(fitsBeside(target(next), serving, held, memory)).toBe(fits);
    },
  );

  it('a server takes nothing here', () => {
    const serving = { target: target({}), route: { memoryBytes: 5000 * MB } as Route };
    expect(fitsBeside(REMOTE, serving, 5000 * MB, MB)).toBe(true);
  });
});

it('the engines that run are counted', () => {
  const first = { closed: false, memoryBytes: 10 };
  const second = { closed: false, memoryBytes: 20 };
  for (const route of [first, second]) holds(route as Route);
  expect(heldBytes()).toBe(30);
  // A run made it larger.
  second.memoryBytes = 25;
  first.closed = true;
  expect(heldBytes()).toBe(25);
});
