// What a choice of candidates is made from, written down in a line.
import { rankCandidates, type Probe } from '../../router/candidates.js';
import type { RouteFilter } from '../../router/choose.js';
import type { Features } from '../../router/features.js';
import type { GpuProbe } from '../../router/gpu_probe.js';
import type { Variant } from '../../manifest/parse.js';
import { sampleManifest } from './sample_manifest.js';

const features: Features = {
  simd: true,
  engine: true,
  relaxedSimd: false,
  isolated: true,
  cores: 8,
};
export const real = {
  available: true,
  adapter: 'apple m1',
  software: false,
  maxBytes: 2 ** 31,
} as const satisfies GpuProbe;
export const software: GpuProbe = { ...real, adapter: 'google swiftshader', software: true };
export const none: GpuProbe = { available: false, why: 'there is no WebGPU adapter' };

export const all = sampleManifest().variants;
export const [fp32, fp16, int8] = all as [Variant, Variant, Variant];
export const int4: Variant = { ...int8, name: 'int4', precision: 'int4', sha256: '4'.repeat(64) };
export const named = (variant: Variant, change: Partial<Variant>) => ({ ...variant, ...change });

export const GiB = 2 ** 30;
export const needs = (variant: Variant, wanted: Variant['needs'] & object) =>
  named(variant, { needs: wanted });

export interface Case {
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

export const rank = ({
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
