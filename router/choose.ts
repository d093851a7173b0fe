// Which wasm module and how many threads.
import { Failure } from '../worker/failure.js';
import type { ModuleName } from '../worker/abi.js';
import type { Device } from '../worker/protocol.js';
import type { Precision } from '../manifest/parse.js';
import type { Features } from './features.js';

export interface RouteFilter {
  /** Forced, 'webgpu' takes software adapters too, and still falls back to the CPU. */
  device?: Device;
  /** Of a manifest's variants. */
  precision?: Precision;
  /** The name of a variant of the manifest. */
  variant?: string;
  /** 'stable', 'candidate', or the text of the version that the manifest or its rollout has. */
  version?: string;
  module?: ModuleName;
  threads?: number;
}

export interface Choice {
  readonly module: ModuleName;
  /** What to ask the page's budget for. */
  readonly threads: number;
  readonly why: readonly string[];
}

export interface Wishes {
  readonly force?: RouteFilter | undefined;
  // Routes that match one of these are not taken.
  readonly exclude?: readonly RouteFilter[] | undefined;
}

const DEFAULT_THREADS = 4;

export function choose(features: Features, force: RouteFilter = {}): Choice {
  if (!features.engine) {
    throw new Failure('UNSUPPORTED_ENVIRONMENT', 'WebAssembly here lacks SIMD128 or shared memory');
  }
  const why: string[] = [];
  const module = chooseModule(features, force.module, why);
  const threads = chooseThreads(features, force.threads, why);
  return { module, threads, why };
}

// The choice, then what is left when its module fails: where relaxed SIMD computes wrongly, plain SIMD
// may not.
export function choicesOf(features: Features, force: RouteFilter): readonly Choice[] {
  const choice = choose(features, force);
  if (choice.module !== 'relaxed' || force.module) return [choice];
  const why = ['module simd: in place of relaxed', ...choice.why.slice(1)];
  return [choice, { ...choice, module: 'simd', why }];
}

export function excludes(exclude: Wishes['exclude'], route: RouteFilter): boolean {
  return (exclude ?? []).some((filter) => {
    const fields = Object.entries(filter).filter(([, value]) => value !== undefined);
    return fields.every(([field, value]) => route[field as keyof RouteFilter] === value);
  });
}

/** For a model without a manifest, best first: on the CPU, unless another device is forced. */
export function choosePlain(
  features: Features,
  { force = {}, exclude }: Wishes,
): readonly (Choice & { readonly device: Device })[] {
  if (force.version !== undefined) {
    const message = 'force.version: a model without a manifest has no versions';
    throw new Failure('INVALID_ARGUMENT', message, { field: 'force.version' });
  }
  if (force.variant !== undefined || force.precision !== undefined) {
    const field = force.variant === undefined ? 'force.precision' : 'force.variant';
    throw new Failure('VARIANT_UNKNOWN', `an .onnx file has no variants for ${field}`, { field });
  }
  const device = force.device ?? 'cpu';
  const choices = choicesOf(features, force);
  const on = (device: Device) =>
    choices
      .map((choice) => ({ ...choice, device }))
      .filter(({ module, threads }) => !excludes(exclude, { device, module, threads }));
  const best = on(device);
  if (best.length === 0) {
    throw new Failure('NO_CANDIDATE', `every route of the model on ${device} is excluded`);
  }
  return device === 'cpu' ? best : [...best, ...on('cpu')];
}

function chooseModule(
  features: Features,
  forced: ModuleName | undefined,
  why: string[],
): ModuleName {
  if (forced === 'relaxed' && !features.relaxedSimd) {
    throw new Failure('UNSUPPORTED_ENVIRONMENT', 'WebAssembly here lacks relaxed SIMD', {
      field: 'module',
    });
  }
  if (forced) {
    why.push(`module ${forced}: forced`);
    return forced;
  }
  const module = features.relaxedSimd ? 'relaxed' : 'simd';
  why.push(`module ${module}: relaxed SIMD is ${features.relaxedSimd ? '' : 'not '}available`);
  return module;
}

function chooseThreads(features: Features, forced: number | undefined, why: string[]): number {
  if (!features.isolated) {
    why.push('1 thread: the page is not cross-origin isolated');
    return 1;
  }
  if (forced !== undefined) {
    why.push(`at most ${forced} threads: forced`);
    return forced;
  }
  const threads = Math.min(DEFAULT_THREADS, features.cores);
  why.push(`at most ${threads} threads: ${features.cores} cores`);
  return threads;
}
