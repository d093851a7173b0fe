// Which routes could serve a model, best first. A pure function of what is known.
import type { ModuleName } from '../worker/abi.js';
import { Failure } from '../worker/failure.js';
import type { Device } from '../worker/protocol.js';
import type { Manifest, Precision, Variant } from '../manifest/parse.js';
import { type Choice, choicesOf, excludes, type RouteFilter, type Wishes } from './choose.js';
import type { GpuProbe } from './gpu_probe.js';
import { type Hardware, missing } from './needs.js';
import { costOf, type Speeds, TABLE } from './speeds.js';

export interface Probe extends Hardware {
  readonly gpu: GpuProbe;
  // What the table says, where nothing was measured.
  readonly speeds?: Speeds | undefined;
  // The user wants less data to be transferred.
  readonly saveData?: boolean | undefined;
  // SHA-256 of files that need no transfer; looked at where data is to be saved.
  readonly stored?: ReadonlySet<string> | undefined;
}

export interface Candidate {
  readonly variant: Variant;
  readonly device: Device;
  readonly module: ModuleName;
  // What to ask the page's budget for.
  readonly threads: number;
  readonly why: readonly string[];
}

// What was not taken, or comes last.
export interface Rejection {
  readonly variant: string;
  readonly device: Device;
  readonly why: string;
}

export interface Ranking {
  // Best first.
  readonly ranked: readonly Candidate[];
  readonly rejected: readonly Rejection[];
}

// Reasons of what has failed before, by banKey(). It comes last.
export type Bans = ReadonlyMap<string, string>;

// Faster and smaller first, before anything was measured. On a GPU integers are no faster than floats.
const PREFERENCE: Readonly<Record<Device, readonly Precision[]>> = {
  webgpu: ['fp16', 'fp32', 'int8', 'int4'],
  cpu: ['int8', 'int4', 'fp16', 'fp32'],
};

// By how much floats must be faster than integers to make up for their size.
const MARGIN = 1.1;

// How much slower a variant may be that has fewer bytes to download, where data is to be saved.
const SAVING_MARGIN = 1.3;

export const banKey = ({ sha256 }: Variant, device: Device, module: ModuleName) =>
  `${sha256} ${device} ${module}`;

export const nameOf = ({ variant, device, module }: Candidate) =>
  `${variant.name} on ${device}, module ${module}`;

// At least one candidate. VARIANT_UNKNOWN, NO_CANDIDATE, and what choose() throws.
export function rankCandidates(...known: Parameters<typeof considerCandidates>): Ranking {
  const { ranked, rejected } = considerCandidates(...known);
  if (ranked.length > 0) return { ranked, rejected };
  const reasons = rejected.map(({ variant, device, why }) => `${variant} on ${device}: ${why}`);
  const [{ name }] = known;
  throw new Failure(
    'NO_CANDIDATE',
    `no variant of ${name} is left to run: ${[...new Set(reasons)].join('; ')}`,
  );
}

// The same where there may be none.
export function considerCandidates(
  manifest: Pick<Manifest, 'name' | 'variants'>,
  probe: Probe,
  { force = {}, exclude }: Wishes = {},
  bans: Bans = new Map(),
): Ranking {
  const { features, gpu, speeds = TABLE, saveData = false, stored = new Set() } = probe;
  checkVariant(manifest, force);
  const choices = choicesOf(features, force);
  const ranked: Candidate[] = [];
  const last: Candidate[] = [];
  const rejected: Rejection[] = [];
  const consider = (
    { variant, saving }: Ordered,
    device: Device,
    { module, threads, why }: Choice,
  ) => {
    const { name, precision } = variant;
    const route = { device, precision, variant: name, module, threads };
    const forced = force.device === device;
    const reason =
      refuse(variant, device, gpu, force) ??
      missing(variant, module, probe, force.variant === name) ??
      (excludes(exclude, route) ? 'excluded' : undefined);
    const ban = forced ? undefined : bans.get(banKey(variant, device, module));
    if (reason ?? ban) rejected.push({ variant: name, device, why: (reason ?? ban)! });
    if (reason) return;
    const adapter = device === 'webgpu' && gpu.available ? ` (${gpu.adapter})` : '';
    const chosen = `variant ${name} on ${device}${adapter}${forced ? ': forced' : ''}`;
    const measured = device === 'cpu' && speeds.measured ? [describe(speeds)] : [];
    const reasons = [chosen, ...saving, ...measured, ...why];
    const candidate = { variant, device, module, threads, why: reasons };
    (ban ? last : ranked).push(candidate);
  };
  for (const device of ['webgpu', 'cpu'] as const) {
    const usual = inOrder(manifest.variants, device, speeds);
    const lean = saveData && device === 'cpu';
    const ordered = lean ? leanFirst(usual, speeds, stored) : usual.map(asUsual);
    for (const variant of ordered) {
      for (const choice of choices) consider(variant, device, choice);
    }
  }
  ranked.push(...last);
  return { ranked, rejected };
}

function checkVariant({ name, variants }: Pick<Manifest, 'name' | 'variants'>, force: RouteFilter) {
  const names = variants.map((variant) => variant.name);
  if (force.variant === undefined || names.includes(force.variant)) return;
  throw new Failure(
    'VARIANT_UNKNOWN',
    `${name} has no variant ${force.variant}; there are ${names.join(', ')}`,
    { field: 'force.variant' },
  );
}

function inOrder(variants: readonly Variant[], device: Device, speeds: Speeds): Variant[] {
  const order = PREFERENCE[device];
  const rank = ({ precision }: Variant) => {
    const slow = costOf(device, precision, speeds) >= MARGIN;
    return order.indexOf(precision) + (slow ? order.length : 0);
  };
  return [...variants].sort((a, b) => rank(a) - rank(b));
}

interface Ordered {
  readonly variant: Variant;
  // Why it is before one that would be first otherwise.
  readonly saving: readonly string[];
}

const asUsual = (variant: Variant): Ordered => ({ variant, saving: [] });

// On the CPU, of variants about as fast the one with fewer bytes to download first. There are two speeds
// there, those of integers and of floats, so that "about as fast" is transitive.
function leanFirst(
  usual: readonly Variant[],
  speeds: Speeds,
  stored: ReadonlySet<string>,
): Ordered[] {
  const toDownload = ({ sha256, bytes }: Variant) => (stored.has(sha256) ? 0 : bytes);
  const cost = ({ precision }: Variant) => costOf('cpu', precision, speeds);
  const near = (a: Variant, b: Variant) =>
    Math.max(cost(a), cost(b)) <= SAVING_MARGIN * Math.min(cost(a), cost(b));
  const place = (variant: Variant) => usual.indexOf(variant);
  const lean = [...usual].sort(
    (a, b) => (near(a, b) ? toDownload(a) - toDownload(b) : 0) || place(a) - place(b),
  );
  return lean.map((variant, i) => {
    const passed = lean.slice(i + 1).find((other) => place(other) < place(variant));
    if (!passed) return asUsual(variant);
    const own = toDownload(variant) === 0 ? 'in storage' : `${variant.bytes} bytes`;
    return { variant, saving: [`saves data: ${own}, ${passed.name} has ${passed.bytes} bytes`] };
  });
}

const describe = ({ int8 }: Speeds) =>
  `measured here: integers take ${(1 / int8).toFixed(2)} of the time of floats`;

// Why the variant can or must not run there; undefined when it may.
function refuse(
  { name, precision, devices, bytes }: Variant,
  device: Device,
  gpu: GpuProbe,
  force: RouteFilter,
): string | undefined {
  if (force.variant !== undefined && force.variant !== name) return `${force.variant} is forced`;
  if (force.precision && force.precision !== precision) return `${force.precision} is forced`;
  if (force.device === 'cpu' && device === 'webgpu') return 'the CPU is forced';
  if (!devices.includes(device)) return `the manifest does not offer it for ${device}`;
  if (device === 'cpu') return undefined;
  if (!gpu.available) return gpu.why;
  if (gpu.software && force.device !== 'webgpu') {
    return `the adapter (${gpu.adapter}) is software, slower than the CPU`;
  }
  if (bytes > gpu.maxBytes) {
    return `${bytes} bytes of weights are above the adapter's limit of ${gpu.maxBytes}`;
  }
  return undefined;
}
