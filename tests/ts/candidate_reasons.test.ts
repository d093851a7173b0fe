// What rankCandidates says of its choice, and what it refuses.
import { expect, it } from 'vitest';
import { banKey } from '../../router/candidates.js';
import {
  type Case,
  GiB,
  fp16,
  fp32,
  int4,
  int8,
  named,
  needs,
  none,
  rank,
  real,
  software,
} from './candidate_case.js';

it('says why each is taken or not', () => {
  const { ranked, rejected } = rank({ gpu: software, bans: [banKey(int8, 'cpu', 'simd')] });
  expect(rejected).toEqual([
    { variant: 'fp16', device: 'webgpu', why: expect.stringContaining('software') as string },
    { variant: 'fp32', device: 'webgpu', why: expect.stringContaining('swiftshader') as string },
    { variant: 'int8', device: 'webgpu', why: expect.stringContaining('not offer') as string },
    { variant: 'int8', device: 'cpu', why: 'it computed wrongly' },
  ]);
  expect(ranked[0]).toMatchObject({ threads: 4 });
  expect(ranked[0]!.why.join('\n')).toContain('variant fp16 on cpu');
  expect(ranked[0]!.why.join('\n')).toContain('at most 4 threads: 8 cores');
  expect(rank({ gpu: real }).ranked[0]!.why[0]).toBe('variant fp16 on webgpu (apple m1)');
  const measured = 'measured here: integers take 1.25 of the time of floats';
  expect(rank({ gpu: none, int8: 0.8 }).ranked[0]!.why).toContain(measured);
  expect(rank({ gpu: real, int8: 0.8 }).ranked[0]!.why).not.toContain(measured);
});

it('says what a smaller variant saves', () => {
  const variants = [int8, named(int4, { bytes: 600 }), fp32];
  const { ranked } = rank({ gpu: none, saveData: true, variants });
  const saving = ranked.map(({ why }) => why.filter((text) => text.startsWith('saves data')));
  expect(saving).toEqual([['saves data: 600 bytes, int8 has 1000 bytes'], [], []]);
  const stored = rank({ gpu: none, saveData: true, stored: [int4.sha256], variants });
  expect(stored.ranked[0]?.why).toContain('saves data: in storage, int8 has 1000 bytes');
});

it('refuses a variant that is not there', () => {
  expect(() => rank({ gpu: none, force: { variant: 'int2' } })).toThrow(
    expect.objectContaining({
      code: 'VARIANT_UNKNOWN',
      where: { field: 'force.variant' },
    }) as Error,
  );
});

it.each([
  { title: 'all is excluded', exclude: [{}], text: 'excluded' },
  {
    title: 'the wishes contradict',
    force: { variant: 'int8', precision: 'fp32' },
    text: 'forced',
  },
  {
    title: 'the GPU alone may run it',
    variants: [named(fp16, { devices: ['webgpu'] })],
    text: 'there is no WebGPU adapter',
  },
  {
    title: 'the machine has too little memory',
    variants: [needs(int8, { memoryBytes: 2 * GiB })],
    memoryBytes: GiB,
    text: 'it needs 2147483648 bytes, the machine has about 1073741824',
  },
  {
    title: 'the engine has too little memory, also for a forced variant',
    variants: [needs(int8, { memoryBytes: 5 * GiB })],
    force: { variant: 'int8' },
    text: 'an engine has 4294967296',
  },
  {
    title: 'threads are missing',
    variants: [needs(int8, { features: ['threads'] })],
    features: { isolated: false },
    text: 'it needs threads',
  },
  {
    title: 'relaxed SIMD is missing',
    variants: [needs(int8, { features: ['relaxed-simd'] })],
    text: 'it needs relaxed SIMD',
  },
] as (Partial<Case> & { text: string })[])('NO_CANDIDATE when $title', ({ text, ...known }) => {
  expect(() => rank({ gpu: none, ...known })).toThrow(
    expect.objectContaining({
      code: 'NO_CANDIDATE',
      message: expect.stringContaining(text) as string,
    }) as Error,
  );
});
