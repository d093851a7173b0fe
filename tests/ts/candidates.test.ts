// The table of choices: what is known -> the routes that are tried, in their order.
import { describe, expect, it } from 'vitest';
import { banKey, rankCandidates, type Probe } from '../../router/candidates.js';
import type { RouteFilter } from '../../router/choose.js';
import type { Features } from '../../router/features.js';
import { askGpu, type GpuProbe } from '../../router/gpu_probe.js';
import type { Variant } from '../../manifest/parse.js';
import { sampleManifest } from './sample_manifest.js';

const features: Features = {
  simd: true,
  engine: true,
  relaxedSimd: false,
  isolated: true,
  cores: 8,
};
const real: GpuProbe = { available: true, adapter: 'apple m1', software: false, maxBytes: 2 ** 31 };
const software: GpuProbe = { ...real, adapter: 'google swiftshader', software: true };
const none: GpuProbe = { available: false, why: 'there is no WebGPU adapter' };

const all = sampleManifest().variants;
const [fp32, fp16, int8] = all as [Variant, Variant, Variant];
const int4: Variant = { ...int8, name: 'int4', precision: 'int4', sha256: '4'.repeat(64) };
const named = (variant: Variant, change: Partial<Variant>) => ({ ...variant, ...change });

const GiB = 2 ** 30;
const needs = (variant: Variant, wanted: Variant['needs'] & object) =>
  named(variant, { needs: wanted });

interface Case {
  readonly title: string;
  readonly gpu: GpuProbe;
  readonly variants?: readonly Variant[];
  readonly features?: Partial<Features>;
  readonly force?: RouteFilter;
  readonly exclude?: readonly RouteFilter[];
  readonly bans?: readonly string[];
  readonly memoryBytes?: number;
  /** Measured: of integers relative to floats. */
  readonly int8?: number;
  readonly saveData?: boolean;
  /** SHA-256 of what is in storage. */
  readonly stored?: readonly string[];
  /** "variant device module". */
  readonly ranked: readonly string[];
}

const cpu = ['int8 cpu simd', 'fp16 cpu simd', 'fp32 cpu simd'];
const gpu = ['fp16 webgpu simd', 'fp32 webgpu simd'];

const cases: readonly Case[] = [
  { title: 'a real GPU: floats there, small ones first', gpu: real, ranked: [...gpu, ...cpu] },
  { title: 'no adapter: integers on the CPU', gpu: none, ranked: cpu },
  { title: 'a software adapter never wins', gpu: software, ranked: cpu },
  {
    title: 'a forced software adapter, the CPU behind it',
    gpu: software,
    force: { device: 'webgpu' },
    ranked: [...gpu, ...cpu],
  },
  {
    title: 'a forced GPU that is not there',
    gpu: none,
    force: { device: 'webgpu' },
    ranked: cpu,
  },
  { title: 'a forced CPU beside a real GPU', gpu: real, force: { device: 'cpu' }, ranked: cpu },
  {
    title: 'a forced precision',
    gpu: real,
    force: { precision: 'fp32' },
    ranked: ['fp32 webgpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'a forced variant that only the CPU runs',
    gpu: real,
    force: { variant: 'int8' },
    ranked: ['int8 cpu simd'],
  },
  {
    title: 'variant and device forced',
    gpu: real,
    force: { variant: 'fp16', device: 'cpu' },
    ranked: ['fp16 cpu simd'],
  },
  { title: 'the GPU excluded', gpu: real, exclude: [{ device: 'webgpu' }], ranked: cpu },
  { title: 'the CPU excluded', gpu: real, exclude: [{ device: 'cpu' }], ranked: gpu },
  {
    title: 'a forced GPU and no CPU behind it',
    gpu: software,
    force: { device: 'webgpu' },
    exclude: [{ device: 'cpu' }],
    ranked: gpu,
  },
  {
    title: 'a precision excluded everywhere',
    gpu: real,
    exclude: [{ precision: 'fp16' }],
    ranked: ['fp32 webgpu simd', 'int8 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'a precision excluded on one device',
    gpu: real,
    exclude: [{ precision: 'fp16', device: 'webgpu' }],
    ranked: ['fp32 webgpu simd', ...cpu],
  },
  {
    title: 'two variants excluded by name',
    gpu: none,
    exclude: [{ variant: 'int8' }, { variant: 'fp16' }],
    ranked: ['fp32 cpu simd'],
  },
  {
    title: 'a number of threads that is not the one here excludes nothing',
    gpu: none,
    exclude: [{ threads: 3 }],
    ranked: cpu,
  },
  {
    title: 'relaxed SIMD first, plain SIMD behind it',
    gpu: none,
    features: { relaxedSimd: true },
    variants: [int8, fp32],
    ranked: ['int8 cpu relaxed', 'int8 cpu simd', 'fp32 cpu relaxed', 'fp32 cpu simd'],
  },
  {
    title: 'relaxed SIMD excluded',
    gpu: none,
    features: { relaxedSimd: true },
    exclude: [{ module: 'relaxed' }],
    ranked: cpu,
  },
  {
    title: 'a forced module alone',
    gpu: none,
    features: { relaxedSimd: true },
    force: { module: 'relaxed' },
    variants: [int8],
    ranked: ['int8 cpu relaxed'],
  },
  {
    title: 'what computed wrongly on the GPU before',
    gpu: real,
    bans: [banKey(fp16, 'webgpu', 'simd')],
    ranked: ['fp32 webgpu simd', ...cpu, 'fp16 webgpu simd'],
  },
  {
    title: 'what failed before is tried again when its device is forced',
    gpu: real,
    bans: [banKey(fp16, 'webgpu', 'simd'), banKey(int8, 'cpu', 'simd')],
    force: { device: 'webgpu' },
    ranked: [...gpu, 'fp16 cpu simd', 'fp32 cpu simd', 'int8 cpu simd'],
  },
  {
    title: 'a module that computed wrongly comes after the other one',
    gpu: none,
    features: { relaxedSimd: true },
    variants: [int8],
    bans: [banKey(int8, 'cpu', 'relaxed')],
    ranked: ['int8 cpu simd', 'int8 cpu relaxed'],
  },
  {
    title: 'weights above the limits of the adapter',
    gpu: { ...real, maxBytes: 1500 },
    variants: [named(fp32, { bytes: 2000 }), fp16, int8],
    ranked: ['fp16 webgpu simd', ...cpu],
  },
  {
    title: 'no variant fits the adapter',
    gpu: { ...real, maxBytes: 10 },
    ranked: cpu,
  },
  { title: 'only floats', gpu: none, variants: [fp32, fp16], ranked: cpu.slice(1) },
  {
    title: 'only fp32',
    gpu: real,
    variants: [fp32],
    ranked: ['fp32 webgpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'four bits come after eight',
    gpu: none,
    variants: [int4, fp32, int8],
    ranked: ['int8 cpu simd', 'int4 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'integers on a GPU where the manifest offers them, after the floats',
    gpu: real,
    variants: [named(int8, { devices: ['webgpu', 'cpu'] }), fp32],
    ranked: ['fp32 webgpu simd', 'int8 webgpu simd', 'int8 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'a variant for the GPU alone',
    gpu: real,
    variants: [named(fp16, { devices: ['webgpu'] })],
    ranked: ['fp16 webgpu simd'],
  },
  {
    title: 'equals in the order of the manifest',
    gpu: none,
    variants: [named(fp32, { name: 'large' }), named(fp32, { name: 'small' })],
    ranked: ['large cpu simd', 'small cpu simd'],
  },
  {
    title: 'memory that the machine has',
    gpu: none,
    memoryBytes: 2 * GiB,
    variants: [needs(int8, { memoryBytes: GiB }), fp32],
    ranked: ['int8 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'just as much memory as the machine has',
    gpu: none,
    memoryBytes: GiB,
    variants: [needs(int8, { memoryBytes: GiB })],
    ranked: ['int8 cpu simd'],
  },
  {
    title: 'more memory than the machine has',
    gpu: none,
    memoryBytes: GiB,
    variants: [needs(fp32, { memoryBytes: 2 * GiB }), int8],
    ranked: ['int8 cpu simd'],
  },
  {
    title: 'more memory than the machine has, on the GPU too',
    gpu: real,
    memoryBytes: GiB,
    variants: [needs(fp32, { memoryBytes: 2 * GiB }), fp16],
    ranked: ['fp16 webgpu simd', 'fp16 cpu simd'],
  },
  {
    title: 'more memory than the hint, when the variant is forced',
    gpu: none,
    memoryBytes: GiB,
    variants: [needs(fp32, { memoryBytes: 2 * GiB }), int8],
    force: { variant: 'fp32' },
    ranked: ['fp32 cpu simd'],
  },
  {
    title: 'no hint about memory refuses nothing',
    gpu: none,
    variants: [needs(fp32, { memoryBytes: 4 * GiB })],
    ranked: ['fp32 cpu simd'],
  },
  {
    title: 'more memory than an engine can have',
    gpu: none,
    memoryBytes: 64 * GiB,
    variants: [needs(int8, { memoryBytes: 4 * GiB + 1 }), fp32],
    ranked: ['fp32 cpu simd'],
  },
  {
    title: 'needs that are empty',
    gpu: none,
    variants: [needs(int8, {}), needs(fp32, { features: [] })],
    ranked: ['int8 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'threads that are needed and there',
    gpu: none,
    variants: [needs(int8, { features: ['threads'] }), fp32],
    ranked: ['int8 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'threads that are needed on a page that is not isolated',
    gpu: none,
    features: { isolated: false },
    variants: [needs(int8, { features: ['threads'] }), fp32],
    ranked: ['fp32 cpu simd'],
  },
  {
    title: 'relaxed SIMD that is needed: never the other module',
    gpu: none,
    features: { relaxedSimd: true },
    variants: [needs(int8, { features: ['relaxed-simd'] }), fp32],
    ranked: ['int8 cpu relaxed', 'fp32 cpu relaxed', 'fp32 cpu simd'],
  },
  {
    title: 'relaxed SIMD that is needed and not there',
    gpu: none,
    variants: [needs(int8, { features: ['relaxed-simd'] }), fp32],
    ranked: ['fp32 cpu simd'],
  },
  {
    title: 'a feature that is needed, beside a forced module without it',
    gpu: none,
    features: { relaxedSimd: true },
    force: { module: 'simd' },
    variants: [needs(int8, { features: ['relaxed-simd'] }), fp32],
    ranked: ['fp32 cpu simd'],
  },
  { title: 'integers that are faster', gpu: none, int8: 3, ranked: cpu },
  { title: 'integers that are as fast: they are smaller', gpu: none, int8: 1, ranked: cpu },
  { title: 'integers that are hardly slower', gpu: none, int8: 0.95, ranked: cpu },
  {
    title: 'integers that are slower come after the floats',
    gpu: none,
    int8: 0.8,
    ranked: ['fp16 cpu simd', 'fp32 cpu simd', 'int8 cpu simd'],
  },
  {
    title: 'integers that are slower, of eight and of four bits',
    gpu: none,
    int8: 0.5,
    variants: [int4, int8, fp32],
    ranked: ['fp32 cpu simd', 'int8 cpu simd', 'int4 cpu simd'],
  },
  {
    title: 'integers that are slower on the CPU, beside a real GPU',
    gpu: real,
    int8: 0.5,
    ranked: [...gpu, 'fp16 cpu simd', 'fp32 cpu simd', 'int8 cpu simd'],
  },
  {
    title: 'integers that are slower, and floats that do not fit',
    gpu: none,
    int8: 0.5,
    memoryBytes: GiB,
    variants: [needs(fp32, { memoryBytes: 2 * GiB }), int8],
    ranked: ['int8 cpu simd'],
  },
  {
    title: 'integers that are slower, but forced',
    gpu: none,
    int8: 0.5,
    force: { precision: 'int8' },
    ranked: ['int8 cpu simd'],
  },
  {
    title: 'integers that are slower, and floats that computed wrongly',
    gpu: none,
    int8: 0.5,
    variants: [fp32, int8],
    bans: [banKey(fp32, 'cpu', 'simd')],
    ranked: ['int8 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'integers that are slower: both modules of the floats first',
    gpu: none,
    int8: 0.5,
    features: { relaxedSimd: true },
    variants: [int8, fp32],
    ranked: ['fp32 cpu relaxed', 'fp32 cpu simd', 'int8 cpu relaxed', 'int8 cpu simd'],
  },
  {
    title: 'data to save, of equal sizes: the usual order',
    gpu: none,
    saveData: true,
    ranked: cpu,
  },
  {
    title: 'data to save: four bits are as fast and smaller',
    gpu: none,
    saveData: true,
    variants: [int8, named(int4, { bytes: 600 }), fp32],
    ranked: ['int4 cpu simd', 'int8 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'smaller, and no data to save',
    gpu: none,
    saveData: false,
    variants: [int8, named(int4, { bytes: 600 }), fp32],
    ranked: ['int8 cpu simd', 'int4 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'data to save: much slower floats stay behind, however small',
    gpu: none,
    saveData: true,
    variants: [named(fp32, { bytes: 10 }), named(fp16, { bytes: 20 }), int8],
    ranked: ['int8 cpu simd', 'fp32 cpu simd', 'fp16 cpu simd'],
  },
  {
    title: 'data to save: integers that are a little slower go before larger floats',
    gpu: none,
    saveData: true,
    int8: 0.8,
    variants: [named(fp32, { bytes: 4000 }), named(fp16, { bytes: 2000 }), int8],
    ranked: ['int8 cpu simd', 'fp16 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'data to save: integers that are much slower do not',
    gpu: none,
    saveData: true,
    int8: 0.7,
    variants: [named(fp32, { bytes: 4000 }), int8],
    ranked: ['fp32 cpu simd', 'int8 cpu simd'],
  },
  {
    title: 'data to save: what is in storage costs nothing',
    gpu: none,
    saveData: true,
    stored: [int8.sha256],
    variants: [int8, named(int4, { bytes: 600 }), fp32],
    ranked: ['int8 cpu simd', 'int4 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'data to save, all in storage: the usual order',
    gpu: none,
    saveData: true,
    stored: [int8, int4, fp32].map(({ sha256 }) => sha256),
    variants: [int8, named(int4, { bytes: 600 }), fp32],
    ranked: ['int8 cpu simd', 'int4 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'data to save: larger floats in storage go before integers as fast that are not',
    gpu: none,
    saveData: true,
    int8: 0.8,
    stored: [fp32.sha256],
    variants: [named(fp32, { bytes: 4000 }), named(fp16, { bytes: 2000 }), int8],
    ranked: ['fp32 cpu simd', 'int8 cpu simd', 'fp16 cpu simd'],
  },
  {
    title: 'data to save: much slower floats stay behind, in storage or not',
    gpu: none,
    saveData: true,
    stored: [fp32.sha256],
    variants: [fp32, int8],
    ranked: ['int8 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'in storage, and no data to save',
    gpu: none,
    saveData: false,
    stored: [int4.sha256],
    variants: [int8, int4, fp32],
    ranked: ['int8 cpu simd', 'int4 cpu simd', 'fp32 cpu simd'],
  },
  {
    title: 'data to save: the order on a GPU is the usual one',
    gpu: real,
    saveData: true,
    variants: [named(fp16, { bytes: 2000 }), fp32, named(int8, { bytes: 500 })],
    ranked: [
      'fp16 webgpu simd',
      'fp32 webgpu simd',
      ...['int8', 'fp32', 'fp16'].map((name) => `${name} cpu simd`),
    ],
  },
];

const probe = ({
  gpu,
  features: change,
  memoryBytes,
  int8,
  saveData,
  stored = [],
}: Omit<Case, 'title' | 'ranked' | 'variants' | 'force' | 'exclude' | 'bans'>): Probe => ({
  features: { ...features, ...change },
  gpu,
  memoryBytes,
  saveData,
  stored: new Set(stored),
  speeds: int8 === undefined ? undefined : { int8, measured: true },
});

const rank = ({
  variants = all,
  force,
  exclude,
  bans = [],
  ...known
}: Omit<Case, 'title' | 'ranked'>) =>
  rankCandidates(
    { name: 'm', variants: [...variants] },
    probe(known),
    { force, exclude },
    new Map(bans.map((key) => [key, 'it computed wrongly'])),
  );

describe('rankCandidates', () => {
  it.each(cases)('$title', ({ ranked, ...known }) => {
    const found = rank(known).ranked;
    expect(found.map((c) => `${c.variant.name} ${c.device} ${c.module}`)).toEqual(ranked);
  });

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
});

describe('askGpu', () => {
  const info = { vendor: 'v', architecture: 'a', description: '', isFallbackAdapter: false };
  const limits = {
    maxBufferSize: 100,
    maxStorageBufferBindingSize: 50,
    maxStorageBuffersPerShaderStage: 8,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupsPerDimension: 65535,
  };
  const features = new Set(['timestamp-query', 'shader-f16']);
  const gives = (adapter: unknown) => ({
    requestAdapter: () => Promise.resolve(adapter as GPUAdapter | null),
  });

  it('tells of an adapter and its smaller limit', async () => {
    expect(
      await askGpu(gives({ info, limits: { ...limits, maxBindGroups: 4 }, features })),
    ).toEqual({
      available: true,
      adapter: 'v a',
      software: false,
      maxBytes: 50,
      limits,
      features: ['shader-f16', 'timestamp-query'],
    });
  });

  it.each([
    { isFallbackAdapter: true },
    { architecture: 'SwiftShader' },
    { description: 'llvmpipe' },
  ])('knows software by %o', async (change) => {
    const found = await askGpu(gives({ info: { ...info, ...change }, limits, features }));
    expect(found).toMatchObject({ available: true, software: true });
  });

  it('says why there is none', async () => {
    expect(await askGpu(undefined)).toMatchObject({ why: 'there is no WebGPU here' });
    expect(await askGpu(gives(null))).toMatchObject({ why: 'there is no WebGPU adapter' });
    const failing = { requestAdapter: () => Promise.reject(new Error('broken')) };
    expect(await askGpu(failing)).toMatchObject({
      available: false,
      why: expect.stringContaining('broken') as string,
    });
    const silent = { requestAdapter: () => new Promise<never>(() => undefined) };
    expect(await askGpu(silent, 20)).toMatchObject({
      why: expect.stringContaining('did not answer') as string,
    });
  });
});
