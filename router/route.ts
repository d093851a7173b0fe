// A route: one engine with one model, ready to run it. The page's side of worker/engine.ts.
import type { DType, TypedArray } from '../worker/dtypes.js';
import type {
  Device,
  FileReport,
  LoadProgress,
  ModelDescription,
  Placement,
  LoadExtras,
  Plan,
  RunProfile,
  Slot,
  WireSource,
  WireTensor,
} from '../worker/protocol.js';

export interface RouteSetup extends LoadExtras {
  readonly workerUrl: string;
  readonly wasm: string | WebAssembly.Module;
  readonly threads: number;
  readonly isolated: boolean;
  readonly source: WireSource;
  // Where webgpu.mjs is, when the model is to run on a GPU.
  readonly gpu?: string | undefined;
}

export interface RouteHooks {
  onProgress(progress: LoadProgress): void;
  // The CPU took over from the GPU, in the middle of a run.
  onDegrade?(placement: Placement): void;
}

export interface Feed {
  readonly input: number;
  readonly type: DType;
  readonly shape: readonly number[];
  // Elements, or memory of this route that holds them. Packed as for the worker.
  readonly data: TypedArray | Slot;
  // As long as shape and type say: it may go through memory lent for it.
  readonly packed?: boolean;
  // The route may take the buffer of `data` away.
  readonly owned: boolean;
}

// 'remote': a server computes.
export type RouteDevice = Device | 'remote';

export interface RoutePlacement {
  readonly device: RouteDevice;
  readonly why: readonly string[];
}

export interface Route {
  readonly model: ModelDescription;
  // Of a source that is a file.
  readonly file: FileReport | undefined;
  // Threads that run now.
  readonly threads: number;
  readonly placement: RoutePlacement;
  // Of the engine in tensors, weights and working memory, as of the last run.
  readonly memoryBytes: number;
  // True once the engine can not be used any more; all that was lent has then been called back.
  readonly closed: boolean;

  // Reads the feeds before it returns. Undefined when cancelled. One run at a time.
  run(
    feeds: readonly Feed[],
    outputs: readonly number[],
  ): Promise<readonly WireTensor[] | undefined>;
  // Memory of the engine in which an input of the run under way lies as it was fed. Where that ends without results it
  // stays so until the next run. Undefined where the page has no such memory.
  fed(input: number): Uint8Array | undefined;
  // Repeats a run and measures its steps, in place of a run. INVALID_ARGUMENT where they can not be.
  profile(feeds: readonly Feed[], runs: number): Promise<RunProfile | undefined>;
  // Ends the run under way soon, at the cost of the engine when it does not listen.
  cancel(): void;
  explain(): Promise<Plan>;

  // Memory of the engine for the caller to fill. Undefined when there is none at hand. `onClose` is
  // called when it goes away with the engine.
  lend(input: number, bytes: number, onClose: () => void): Slot | undefined;
  takeBack(slot: Slot): void;
  // Calls back all that was lent; the run under way goes on.
  recall(): void;

  dispose(): Promise<void>;
}
