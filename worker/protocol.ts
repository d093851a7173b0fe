// The messages between a route (router/worker_route.ts) and its worker (worker/service.ts).
// One run is under way at a time; control goes by message, data by shared memory where there is any, and short runs
// altogether (lane.ts).
import type { DType, TypedArray } from './dtypes.js';
import type { WireFailure } from './failure.js';

// Raised with every incompatible change of this file.
export const PROTOCOL_VERSION = 6;
// Worker.name (workerData in Node) of an engine worker. The same script with another name is a pool
// thread (Emscripten's 'em-pthread') or was loaded for inline execution.
export const ENGINE_WORKER_NAME = 'sardonyx-engine';

// Where worker.js puts its EngineLibrary on globalThis when it was loaded for inline execution.
export const LIBRARY_KEY = 'sardonyxEngine';

/** A file that a manifest describes. */
export interface ModelFile {
  readonly url: string;
  readonly bytes: number;
  /** In lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly chunks?: ChunkHashes | undefined;
}

/** Of parts of `bytes` bytes each; the last may be shorter. */
export interface ChunkHashes {
  readonly bytes: number;
  readonly sha256: readonly string[];
}

export type PlainSource =
  { readonly url: string } | { readonly blob: Blob } | { readonly bytes: Uint8Array };

// `keep`: from the storage of this browser, and into it.
export type WireSource = PlainSource | { readonly file: ModelFile; readonly keep: boolean };

/** Of a file that the page fetches: first its size, then its bytes; nothing at the end. */
export interface FilePart {
  readonly total?: number | undefined;
  /** See OpenSource. */
  readonly exact?: boolean;
  readonly bytes?: Uint8Array;
  /** Ends it. */
  readonly failure?: WireFailure;
}

/** Where a file came from and whether this browser has it from now on. */
export interface FileReport {
  readonly from: 'storage' | 'network';
  readonly stored: boolean;
  /** Bytes that an earlier download had left. */
  readonly resumed?: number;
  /** Why it is not stored. */
  readonly problem?: WireFailure;
  /** What was wrong with a stored copy that had to be downloaded again. */
  readonly replaced?: string;
}

// In the order of base/value_kind.h.
export const VALUE_KINDS = ['tensor', 'sequence', 'optional', 'optional-sequence'] as const;
export type ValueKind = (typeof VALUE_KINDS)[number];

export interface ValueInfo {
  readonly name: string;
  /** A sequence is an array of tensors, an optional without element is null. */
  readonly kind: ValueKind;
  /** Of what is no tensor, type and shape are those of its tensors. */
  readonly type: DType;
  /**
   * A dim is a number, the name of a symbol, or null when nothing is known of it; no shape when not even
   * the number of dims is.
   */
  readonly shape: readonly (number | string | null)[] | null;
  /** True for inputs with a default. */
  readonly optional: boolean;
}

export interface ModelDescription {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly warnings: readonly string[];
  readonly irVersion: number;
  readonly producer?: string;
  readonly opsets: Readonly<Record<string, number>>;
  readonly operators: Readonly<Record<string, number>>;
  readonly weightBytes: number;
  readonly packedBytes: number;
}

export type Device = 'cpu' | 'webgpu';

/** Which device runs the model, and why. */
export interface Placement {
  readonly device: Device;
  readonly why: readonly string[];
  // The CPU took over because the GPU went away.
  readonly lost?: boolean;
}
export const ON_CPU: Placement = { device: 'cpu', why: [] };

export interface Plan {
  readonly steps: readonly {
    readonly node: string;
    readonly operator: string;
    readonly device: Device;
    readonly kernel: string;
    readonly outputs: readonly {
      readonly name: string;
      readonly type: DType;
      readonly layout: string;
      readonly shape: readonly number[];
    }[];
  }[];
  readonly arenaBytes: number;
  /** Bytes in tensors, payloads, packs and arenas. */
  readonly memoryBytes: number;
  /** After a run on a GPU: the bytes that it holds. */
  readonly gpu?: {
    readonly weightBytes: number;
    /** Of these, the bytes of weights that are stored as float16. */
    readonly halfBytes: number;
    readonly arenaBytes: number;
    /** Bytes of weights that stay in wasm memory too: the CPU takes over with them. */
    readonly keptBytes: number;
  };
}

/** What one step did in a run, on average. */
export interface StepProfile {
  readonly node: string;
  readonly operator: string;
  readonly device: Device;
  readonly kernel: string;
  /** 0; more for a step of a body, whose time is part of that of the step with the body, before it. */
  readonly depth: number;
  /** "the body of Loop 'y'" for a step of a body. */
  readonly body?: string;
  readonly calls: number;
  readonly ms: number;
  /**
   * Two for each multiplication and addition of a product, one per element elsewhere, none where elements only
   * move. Winograd counts as the convolution that it replaces.
   */
  readonly flops: number;
  /** Of inputs and outputs, once per call. */
  readonly bytes: number;
  readonly outputs: readonly {
    readonly type: DType;
    readonly layout: string;
    readonly shape: readonly number[];
  }[];
}

export interface RunProfile {
  readonly runs: number;
  /** In the engine, per run. */
  readonly ms: number;
  /** In the order in which they run; steps of bodies follow the step that has the body. */
  readonly steps: readonly StepProfile[];
}

// Strings, sequences and optionals are packed (packed.ts); of the latter the shape is [].
export interface WireFeed {
  readonly input: number;
  readonly type: DType;
  readonly shape: readonly number[];
  /** The elements, or the address in wasm memory where they are. */
  readonly data: TypedArray | number;
}

export interface WireTensor {
  readonly output: number;
  readonly type: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** A piece of wasm memory lent to the page. `view` is shared with the worker. */
export interface Slot {
  readonly input: number;
  readonly pointer: number;
  readonly view: Uint8Array;
}

export interface LoadProgress {
  readonly phase: 'download' | 'verify' | 'compile' | 'selftest';
  readonly loaded: number;
  readonly total?: number;
}

/** What loading takes beside the model itself. */
export interface LoadExtras {
  /** Files with weights, by the name that the model has for them. */
  readonly external: Readonly<Record<string, PlainSource>>;
  /** Weights among the model's inputs that runs may feed. */
  readonly fedWeights?: readonly string[] | undefined;
}

export type ToWorker =
  | {
      readonly type: 'load';
      // `fed`: in messages of type 'part'.
      readonly source: WireSource | { readonly url: string; readonly fed: true };
      readonly extras: LoadExtras;
      // Where webgpu.mjs is, when the model is to run on a GPU.
      readonly gpu?: string | undefined;
    }
  | {
      readonly type: 'start';
      readonly module: WebAssembly.Module;
      readonly threads: number;
      // See lane.ts; null on pages that are not isolated.
      readonly lane: SharedArrayBuffer | null;
    }
  | {
      readonly type: 'run';
      readonly id: number;
      readonly feeds: readonly WireFeed[];
      readonly outputs: readonly number[];
    }
  // A run that is repeated and measured; its outputs stay where they are.
  | {
      readonly type: 'profile';
      readonly id: number;
      readonly feeds: readonly WireFeed[];
      readonly runs: number;
    }
  | { readonly type: 'part'; readonly part: FilePart }
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'reserve'; readonly input: number; readonly bytes: number }
  | { readonly type: 'free'; readonly pointer: number }
  | { readonly type: 'explain'; readonly id: number }
  // Stores the file; needs no engine, and does not wait for one.
  | { readonly type: 'keep'; readonly file: ModelFile }
  | { readonly type: 'stop' };

// How long the engine took for a run, and whether it left the other cores to others.
export interface RunTime {
  readonly ms: number;
  readonly alone: boolean;
}

export type FromWorker =
  | { readonly type: 'hello'; readonly version: number }
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly progress: LoadProgress }
  | {
      readonly type: 'loaded';
      readonly model: ModelDescription;
      // Of a source that is a file.
      readonly file?: FileReport | undefined;
    }
  | { readonly type: 'kept'; readonly sha256: string; readonly failure?: WireFailure }
  | { readonly type: 'threads'; readonly count: number }
  // Before 'loaded' when a GPU was asked for, and when the CPU takes over.
  | { readonly type: 'placement'; readonly placement: Placement }
  // Before 'loaded' and before the answer to a run, when it has changed.
  | { readonly type: 'memory'; readonly bytes: number }
  | { readonly type: 'slot'; readonly slot: Slot }
  // Sent during long runs: the engine makes progress.
  | { readonly type: 'alive' }
  | ({
      readonly type: 'done';
      readonly id: number;
      readonly outputs: readonly WireTensor[];
    } & RunTime)
  | { readonly type: 'profiled'; readonly id: number; readonly profile: RunProfile }
  | { readonly type: 'cancelled'; readonly id: number }
  | { readonly type: 'failed'; readonly id: number; readonly failure: WireFailure }
  | { readonly type: 'explained'; readonly id: number; readonly plan: Plan }
  // The load failed, or the engine can not be used any more.
  | { readonly type: 'dead'; readonly failure: WireFailure }
  | { readonly type: 'stopped' };
