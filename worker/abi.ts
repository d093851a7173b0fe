// c_api/sardonyx.h as JavaScript sees it. Addresses come back signed: read them with `>>> 0`.
export const ABI_VERSION = 8;

interface PthreadWorker {
  readonly loaded?: boolean;
  onerror: ((event: unknown) => void) | null;
}

// The Emscripten module.
export interface Instance {
  readonly wasmMemory: WebAssembly.Memory;
  readonly PThread: {
    readonly unusedWorkers: readonly PthreadWorker[];
    readonly runningWorkers: readonly PthreadWorker[];
    terminateAllThreads(): void;
  };
  _sx_abi_version(): number;
  _sx_alloc(bytes: number): number;
  _sx_free(data: number): void;
  _sx_error(): number;
  _sx_set_threads(threads: number, pool: number): void;
  _sx_threads_ready(): number;
  _sx_shared_ranges(): number;
  _sx_crash_word(): number;
  _sx_loader_create(): number;
  _sx_loader_expect_size(loader: number, size: number): number;
  _sx_loader_push(loader: number, bytes: number, size: number): number;
  _sx_loader_feed_weight(loader: number, name: number): void;
  _sx_loader_external(loader: number, name: number, data: number, size: number): number;
  _sx_loader_for_gpu(loader: number): void;
  _sx_loader_destroy(loader: number): void;
  _sx_session_create(loader: number): number;
  _sx_session_destroy(session: number): void;
  _sx_session_describe(session: number): number;
  _sx_session_leave_gpu(session: number): number;
  _sx_session_explain(session: number): number;
  _sx_run_create(session: number): number;
  _sx_run_destroy(run: number): void;
  _sx_run_set_input(
    run: number,
    index: number,
    dtype: number,
    rank: number,
    dims: number,
    data: number,
    bytes: number,
  ): number;
  _sx_run_start(run: number): number;
  _sx_run_advance(run: number, budgetMs: number): number;
  _sx_run_output(run: number, index: number): number;
  _sx_run_gpu_plan(run: number): number;
  _sx_run_cpu_steps(run: number, begin: number, end: number): number;
  _sx_run_finish_on_gpu(run: number): void;
  _sx_run_bind_ahead(run: number): void;
  _sx_run_reset(run: number): void;
  _sx_run_measure(run: number, on: number): void;
  _sx_run_profile(run: number): number;
  _sx_memory_in_use(): number;
}

// What the glue takes.
export interface ModuleArguments {
  poolSize?: number;
  wasmMemory?: WebAssembly.Memory;
  mainScriptUrlOrBlob?: string;
  instantiateWasm?(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ): object;
}

export type Factory = (options: ModuleArguments) => Promise<Instance>;

export type ModuleName = 'relaxed' | 'simd';

// Byte offsets in sx_output.
export const OUTPUT = { dtype: 0, rank: 4, dims: 8, data: 72, bytes: 76, kind: 80 } as const;
export const MAX_RANK = 8;
