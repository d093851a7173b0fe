// One model in one wasm module instance. Used on the thread that made it: by worker/service.ts in an
// engine worker, or by router/inline_route.ts in the caller's own worker.
// Every method throws Failure; after one that is fatal the engine must be dropped.
import { type Factory, type Instance } from './abi.js';
import { asFailure, Failure, isFatal } from './failure.js';
import { type GpuExecutor, type GpuFailure, isGpuFailure, startGpu } from './gpu.js';
import { instantiate } from './instantiate.js';
import { loadModel, type LoadedModel, type ModelSource } from './load_model.js';
import { allocate, bytesAt, readString } from './memory.js';
import type {
  FileReport,
  LoadProgress,
  ModelDescription,
  Placement,
  LoadExtras,
  Plan,
  RunProfile,
  Slot,
  WireFeed,
  WireTensor,
} from './protocol.js';
import { gpuProfileFrom } from './profile.js';
import { ON_CPU } from './protocol.js';
import type { Result } from './result.js';
import { Runner, type RunHooks } from './runner.js';
import { check, lastError } from './status.js';
import { widen } from './threads.js';

export interface EngineOptions {
  readonly factory: Factory;
  readonly module: WebAssembly.Module;
  readonly threads: number;
  // The script that a pthread worker loads.
  readonly scriptUrl: string;
}

export interface EngineHooks {
  onThreads(count: number): void;
  onTrap(failure: Failure): void;
  onPlacement?(placement: Placement): void;
}

export interface Loaded {
  readonly model: ModelDescription;
  // Of a source that is a file.
  readonly file: FileReport | undefined;
}

export class Engine {
  #instance: Instance;
  #model: LoadedModel | undefined;
  #runner: Runner | undefined;
  #gpu: GpuExecutor | undefined;
  #placement = ON_CPU;
  #dead: Failure | undefined;
  readonly #hooks: EngineHooks;

  private constructor(instance: Instance, hooks: EngineHooks) {
    this.#instance = instance;
    this.#hooks = hooks;
  }

  get loaded(): boolean {
    return this.#model !== undefined;
  }

  get placement(): Placement {
    return this.#placement;
  }

  // In tensors, payloads, packs and arenas.
  get memoryBytes(): number {
    return this.#instance._sx_memory_in_use() >>> 0;
  }

  static async start(options: EngineOptions, hooks: EngineHooks): Promise<Engine> {
    const { factory, module, threads, scriptUrl } = options;
    const instance = await instantiate(factory, module, threads - 1, scriptUrl);
    const engine = new Engine(instance, hooks);
    const trapped = (message: string) => {
      engine.#dead ??= new Failure('ENGINE_TRAP', message);
      hooks.onTrap(engine.#dead);
    };
    void widen(instance, threads, (count) => hooks.onThreads(count), trapped);
    return engine;
  }

  async load(
    source: ModelSource,
    extras: LoadExtras,
    onProgress: (progress: LoadProgress) => void,
    gpu?: string,
  ): Promise<Loaded> {
    try {
      const forGpu = gpu === undefined ? undefined : this.#startGpu(gpu);
      this.#model = await loadModel(this.#instance, source, extras, onProgress, forGpu);
      this.#runner = new Runner(this.#instance, this.#model);
      const { description, file } = this.#model;
      return { model: description, file };
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  // Undefined when hooks.cancelled() became true.
  async run(
    feeds: readonly WireFeed[],
    outputs: readonly number[],
    hooks: RunHooks,
  ): Promise<WireTensor[] | undefined> {
    return this.#compute(
      (runner, gpu) => runner.runOnGpu(gpu, feeds, outputs, hooks),
      (runner) => runner.run(feeds, outputs, hooks),
    );
  }

  // The same before and after a run that left the other cores to others.
  get sharedRanges(): number {
    return this.#instance._sx_shared_ranges();
  }

  // Whether run() has to wait for something: runNow() is then not to be used.
  get waits(): boolean {
    return this.#gpu !== undefined;
  }

  // As run(), in one go; see Runner.runNow().
  runNow(
    feeds: readonly WireFeed[],
    outputs: readonly number[],
    hooks: RunHooks,
    use: (results: readonly Result[]) => void,
  ): boolean {
    return this.#guard(() => this.#alive(this.#runner).runNow(feeds, outputs, hooks, use));
  }

  // Repeats a run and measures its steps. Undefined when cancelled.
  async profile(
    feeds: readonly WireFeed[],
    runs: number,
    hooks: RunHooks,
  ): Promise<RunProfile | undefined> {
    return this.#compute(
      async (runner, gpu) => {
        const measured = await runner.profileOnGpu(gpu, feeds, runs, hooks);
        return measured && gpuProfileFrom(measured, this.explain().steps);
      },
      (runner) => runner.profile(feeds, runs, hooks),
    );
  }

  // When nobody waits, after a run; see Runner.bindAhead().
  bindAhead(): void {
    if (!this.#gpu) this.#guard(() => this.#runner?.bindAhead());
  }

  explain(): Plan {
    const instance = this.#instance;
    return this.#guard(() => {
      const json = instance._sx_session_explain(this.#alive(this.#model).session) >>> 0;
      if (json === 0) throw lastError(instance);
      const plan = JSON.parse(readString(instance, json)) as RawPlan;
      return {
        steps: plan.steps.map((step) => ({
          ...step,
          outputs: step.outputs.map(({ dtype, ...rest }) => ({ ...rest, type: dtype })),
        })),
        arenaBytes: plan.arenaBytes,
        memoryBytes: this.memoryBytes,
        ...(plan.gpu && { gpu: plan.gpu }),
      };
    });
  }

  // Where an input of the last run was copied to.
  fed(input: number): Uint8Array | undefined {
    return this.#runner?.fed(input);
  }

  reserve(input: number, bytes: number): Slot {
    return this.#guard(() => {
      const pointer = allocate(this.#instance, bytes);
      return { input, pointer, view: bytesAt(this.#instance, pointer, bytes) };
    });
  }

  free(pointer: number): void {
    this.#guard(() => this.#instance._sx_free(pointer));
  }

  // Ends the pool threads. The memory goes with the last reference to the engine.
  dispose(): void {
    this.#dead ??= new Failure('SESSION_DISPOSED', 'the session was disposed');
    this.#runner = undefined;
    this.#model = undefined;
    this.#gpu?.dispose();
    this.#gpu = undefined;
    this.#instance.PThread.terminateAllThreads();
  }

  async #startGpu(url: string): Promise<boolean> {
    try {
      this.#gpu = await startGpu(url);
      this.#place({ device: 'webgpu', why: [`WebGPU: on ${this.#gpu.adapter}`] });
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      this.#place({ device: 'cpu', why: [`CPU: ${reason}`] });
    }
    return this.#gpu !== undefined;
  }

  // What the GPU does, where there is one; when that fails, what the CPU does.
  async #compute<T>(
    onGpu: (runner: Runner, gpu: GpuExecutor) => Promise<T>,
    onCpu: (runner: Runner) => Promise<T>,
  ): Promise<T> {
    try {
      if (this.#gpu) {
        try {
          return await onGpu(this.#alive(this.#runner), this.#gpu);
        } catch (thrown) {
          if (!isGpuFailure(thrown)) throw thrown;
          this.#leaveGpu(this.#gpu, thrown);
        }
      }
      return await onCpu(this.#alive(this.#runner));
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  #leaveGpu(gpu: GpuExecutor, { message, lost }: GpuFailure): void {
    this.#gpu = undefined;
    gpu.dispose();
    const model = this.#alive(this.#model);
    this.#runner?.dispose();
    this.#runner = undefined;
    check(this.#instance, this.#instance._sx_session_leave_gpu(model.session));
    this.#runner = new Runner(this.#instance, model);
    this.#place({ device: 'cpu', why: [...this.#placement.why, `CPU: ${message}`], lost });
  }

  #place(placement: Placement): void {
    this.#placement = placement;
    this.#hooks.onPlacement?.(placement);
  }

  #guard<T>(call: () => T): T {
    try {
      if (this.#dead) throw this.#dead;
      return call();
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  #alive<T>(part: T | undefined): T {
    if (this.#dead) throw this.#dead;
    if (part === undefined) throw new Failure('INTERNAL', 'no model is loaded');
    return part;
  }

  #failed(thrown: unknown): Failure {
    const failure = asFailure(thrown);
    if (isFatal(failure)) this.#dead = failure;
    return failure;
  }
}

interface RawPlan extends Omit<Plan, 'steps'> {
  steps: (Omit<Plan['steps'][number], 'outputs'> & {
    outputs: {
      name: string;
      dtype: Plan['steps'][number]['outputs'][number]['type'];
      layout: string;
      shape: number[];
    }[];
  })[];
}
