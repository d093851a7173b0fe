// What session.swap() is asked for -> the target to start.
import { checkFilter } from '../router/check_filter.js';
import type { RouteFilter } from '../router/choose.js';
import type { LocalTarget, Target } from '../router/target.js';
import { SardonyxError } from './errors.js';
import { resolveUrl } from './source.js';

/**
 * The best route that fits what is named. Variant and device stay when neither they nor a precision or version
 * are named, and so do threads that an earlier swap named. `wasm` is another module of the same release, until the
 * next swap. Nothing named: the same route anew, which gives the memory of the old one back.
 */
export type Swap = RouteFilter & {
  readonly wasm?: string | URL | WebAssembly.Module;
};

/** INVALID_ARGUMENT. */
export const nameOfVersion = (to: Swap): string | undefined => checked(to).version;

// INVALID_ARGUMENT, VARIANT_UNKNOWN, NO_CANDIDATE. `rank` gives the targets of the version for a wish, best first.
export async function swapTarget(
  to: Swap,
  current: Target,
  rank: (force: RouteFilter) => Promise<readonly LocalTarget[]> | readonly LocalTarget[],
): Promise<LocalTarget> {
  const { wasm, version, ...filter } = checked(to);
  const own = wasm === undefined ? undefined : fromWasm(wasm);
  const { variant, device } = current;
  const stays =
    version === undefined &&
    filter.variant === undefined &&
    filter.precision === undefined &&
    filter.device === undefined;
  // A plain .onnx has no variants to name.
  const same = {
    ...(device === 'remote' ? {} : { device }),
    ...(variant ? { variant: variant.name } : {}),
  };
  const threads = filter.threads ?? (current.forcedThreads ? current.threads : undefined);
  const force = {
    ...(stays ? same : {}),
    ...(own && current.module ? { module: current.module } : {}),
    ...filter,
    ...(threads === undefined ? {} : { threads }),
  };
  const [target] = (await rank(force)) as [LocalTarget];
  if (force.device !== undefined && target.device !== force.device) {
    throw new SardonyxError('NO_CANDIDATE', `no variant is left to run on ${force.device}`);
  }
  return {
    ...target,
    ...(own === undefined ? {} : { wasm: own }),
    ...(threads === undefined ? {} : { forcedThreads: true }),
  };
}

function checked(to: Swap): Swap {
  if (typeof to !== 'object' || (to as object | null) === null) {
    throw new SardonyxError('INVALID_ARGUMENT', 'swap() takes an object', { field: 'swap' });
  }
  checkFilter(to, 'swap');
  return to;
}

function fromWasm(wasm: string | URL | WebAssembly.Module): string | WebAssembly.Module {
  if (wasm instanceof WebAssembly.Module) return wasm;
  if (typeof wasm === 'string' || wasm instanceof URL) return resolveUrl(wasm, 'swap.wasm');
  const message = 'swap.wasm must be a URL or a WebAssembly.Module';
  throw new SardonyxError('INVALID_ARGUMENT', message, { field: 'swap.wasm' });
}
