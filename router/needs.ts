// Whether a machine has what the manifest says that a variant needs.
import type { Variant } from '../manifest/parse.js';
import type { ModuleName } from '../worker/abi.js';
import type { Features } from './features.js';

// The most memory that the modules are built for, cmake/module.cmake.
const ENGINE_BYTES = 4 * 2 ** 30;

export interface Hardware {
  readonly features: Features;
  // Of the machine, as the browser tells it: rounded, and no more than it wants to tell. Undefined
  // where it does not.
  readonly memoryBytes?: number | undefined;
}

// What is missing; undefined when nothing is. The hint about memory is no reason against a variant
// that is `forced`.
export function missing(
  { needs = {} }: Variant,
  module: ModuleName,
  { features, memoryBytes = Infinity }: Hardware,
  forced: boolean,
): string | undefined {
  const { memoryBytes: wanted = 0, features: wantedFeatures = [] } = needs;
  if (wanted > ENGINE_BYTES) return `it needs ${wanted} bytes, an engine has ${ENGINE_BYTES}`;
  if (wanted > memoryBytes && !forced) {
    return `it needs ${wanted} bytes, the machine has about ${memoryBytes}`;
  }
  if (wantedFeatures.includes('threads') && !features.isolated) {
    return 'it needs threads, the page is not cross-origin isolated';
  }
  if (wantedFeatures.includes('relaxed-simd') && module !== 'relaxed') {
    return `it needs relaxed SIMD, module ${module} has none`;
  }
  return undefined;
}
