// What this browser and machine can do, for the app: what load() chooses by, and hints beside it.
import { memoryHint, probeFeatures } from '../router/features.js';
import { type GpuReport, probeGpu } from '../router/gpu_probe.js';
import { type NetworkHints, networkHints } from '../router/network_hints.js';

/** What the browser does not tell is absent. */
export interface ProbeResult {
  /** WebAssembly with SIMD128. */
  readonly simd: boolean;
  readonly relaxedSimd: boolean;
  /** SIMD128 and shared memory: models can run here. */
  readonly engine: boolean;
  /** Memory can be shared with workers: the page is cross-origin isolated. */
  readonly isolated: boolean;
  /** A model can run on more than one core. */
  readonly threads: boolean;
  readonly cores: number;
  readonly webgpu: GpuReport;
  /** Of the machine, rounded. */
  readonly memoryBytes?: number;
  /** Of this site, all that it stores. */
  readonly storage?: { readonly quota?: number; readonly usage?: number };
  readonly network?: NetworkHints;
  /** `level` is from 0 to 1. */
  readonly battery?: Battery;
}

export interface Battery {
  readonly level: number;
  readonly charging: boolean;
}

interface Hints {
  readonly storage?: Partial<StorageManager>;
  getBattery?(): Promise<Battery>;
}

/** Downloads nothing, never rejects. Asks for a WebGPU adapter, once per page and after a GPU failed. */
export async function probe(): Promise<ProbeResult> {
  const [features, webgpu, storage, battery] = await Promise.all([
    probeFeatures(),
    probeGpu(),
    askStorage().catch(() => undefined),
    askBattery().catch(() => undefined),
  ]);
  const { engine, isolated } = features;
  const memoryBytes = memoryHint();
  const network = networkHints();
  return {
    ...features,
    threads: engine && isolated,
    webgpu,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(storage && { storage }),
    ...(network && { network }),
    ...(battery && { battery }),
  };
}

const hints = (): Hints => (globalThis as { navigator?: Hints }).navigator ?? {};

async function askStorage(): Promise<ProbeResult['storage']> {
  const estimate = await hints().storage?.estimate?.();
  if (!estimate) return undefined;
  const { quota, usage } = estimate;
  return { ...(quota === undefined ? {} : { quota }), ...(usage === undefined ? {} : { usage }) };
}

// The browser's object changes by itself.
async function askBattery(): Promise<Battery | undefined> {
  const found = await hints().getBattery?.();
  return found && { level: found.level, charging: found.charging };
}
