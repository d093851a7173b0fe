// Runs a loaded model in slices. One run at a time.
import { MAX_RANK, OUTPUT, type Instance } from './abi.js';
import { byteLength, dtypeByNumber, dtypeInfo, elementCount } from './dtypes.js';
import { Failure } from './failure.js';
import { agree, type GpuExecutor, GpuFailure } from './gpu.js';
import type { LoadedModel } from './load_model.js';
import { allocate, bytesAt, readString, viewAt } from './memory.js';
import { type GpuTimes, profileFrom } from './profile.js';
import { VALUE_KINDS, type RunProfile, type WireFeed, type WireTensor } from './protocol.js';
import { copyOf, type Result } from './result.js';
import { check, lastError } from './status.js';

// How long the engine works before it looks for a cancel.
const SLICE_MS = 8;
// How often it looks while the GPU works.
const WATCH_MS = 50;

export interface RunHooks {
  cancelled(): boolean;
  // After each slice; awaited when it returns a promise.
  betweenSlices(): Promise<void> | undefined;
}

interface Staging {
  pointer: number;
  bytes: number;
}

const planId = (instance: Instance, plan: number) => viewAt(instance, plan, 4).getUint32(0, true);

export class Runner {
  readonly #instance: Instance;
  readonly #run: number;
  readonly #dims: number;
  // Per input, where feeds that come by message are copied to; kept for the next run.
  readonly #staging = new Map<number, Staging>();
  // Plans whose results on the GPU have been compared.
  readonly #trusted = new Set<number>();
  #abandoned: Promise<unknown> | undefined;

  constructor(instance: Instance, model: LoadedModel) {
    this.#instance = instance;
    this.#run = instance._sx_run_create(model.session) >>> 0;
    if (this.#run === 0) throw lastError(instance);
    this.#dims = allocate(instance, 8 * MAX_RANK);
  }

  // Undefined when cancelled.
  async run(
    feeds: readonly WireFeed[],
    outputs: readonly number[],
    hooks: RunHooks,
  ): Promise<WireTensor[] | undefined> {
    if (hooks.cancelled()) return undefined;
    this.#feed(feeds);
    const done = await this.#compute(hooks);
    return this.#end(done ? this.#outputs(outputs).map(copyOf) : undefined);
  }

  // As run(), in one go: hooks.betweenSlices() must not ask to wait. `use` gets the results before their memory goes;
  // false when cancelled.
  runNow(
    feeds: readonly WireFeed[],
    outputs: readonly number[],
    hooks: RunHooks,
    use: (results: readonly Result[]) => void,
  ): boolean {
    if (hooks.cancelled()) return false;
    this.#feed(feeds);
    while (!this.#advance()) {
      void hooks.betweenSlices();
      if (hooks.cancelled()) return this.#end(false);
    }
    use(this.#outputs(outputs));
    return this.#end(true);
  }

  // Repeats a run, of which the first binds the shapes and does not count. Undefined when cancelled.
  async profile(
    feeds: readonly WireFeed[],
    runs: number,
    hooks: RunHooks,
  ): Promise<RunProfile | undefined> {
    const instance = this.#instance;
    this.#feed(feeds);
    let paused = performance.now();
    try {
      for (let i = 0; i <= runs; i++) {
        if (performance.now() - paused > SLICE_MS) {
          await hooks.betweenSlices();
          paused = performance.now();
        }
        if (i > 0) check(instance, instance._sx_run_start(this.#run));
        if (hooks.cancelled() || !(await this.#compute(hooks))) return undefined;
        if (i === 0) instance._sx_run_measure(this.#run, 1);
      }
      return profileFrom(readString(instance, instance._sx_run_profile(this.#run) >>> 0));
    } finally {
      instance._sx_run_measure(this.#run, 0);
      instance._sx_run_reset(this.#run);
    }
  }

  // As run(), on the GPU. Each plan's first run is done on the CPU too and compared. Rejects with
  // GpuFailure when the result is not there or not to be trusted; then the runner must be replaced.
  async runOnGpu(
    gpu: GpuExecutor,
    feeds: readonly WireFeed[],
    outputs: readonly number[],
    hooks: RunHooks,
  ): Promise<WireTensor[] | undefined> {
    // What a cancelled run left on the GPU.
    await this.#abandoned;
    if (hooks.cancelled()) return undefined;
    const instance = this.#instance;
    this.#feed(feeds);
    const id = planId(instance, this.#plan());
    let expected: WireTensor[] | undefined;
    if (!this.#trusted.has(id)) {
      if (!(await this.#compute(hooks))) return undefined;
      expected = this.#outputs(outputs).map(copyOf);
      check(instance, instance._sx_run_start(this.#run));
    }
    const contents = await this.#dispatch(gpu, hooks);
    if (!contents) return undefined;
    instance._sx_run_finish_on_gpu(this.#run);
    const results = this.#end(this.#outputs(outputs, contents).map(copyOf));
    if (expected && !agree(results, expected)) {
      throw new GpuFailure('the GPU computes other numbers than the CPU');
    }
    this.#trusted.add(id);
    return results;
  }

  // When nobody waits, after a run: makes ready for shapes that go on to change as they did.
  bindAhead(): void {
    this.#instance._sx_run_bind_ahead(this.#run);
  }

  // As profile(), on the GPU: a run on the CPU says what the steps have to do, then each run of the GPU is done
  // twice, as always and step by step. Rejects with GpuFailure.
  async profileOnGpu(
    gpu: GpuExecutor,
    feeds: readonly WireFeed[],
    runs: number,
    hooks: RunHooks,
  ): Promise<GpuTimes | undefined> {
    const instance = this.#instance;
    await this.#abandoned;
    this.#feed(feeds);
    instance._sx_run_measure(this.#run, 1);
    try {
      if (!(await this.#compute(hooks))) return undefined;
      const steps = new Map<number, number>();
      let ms = 0;
      for (let i = 0; i <= runs; i++) {
        check(instance, instance._sx_run_start(this.#run));
        const began = performance.now();
        if (!(await this.#dispatch(gpu, hooks))) return undefined;
        if (i > 0) ms += (performance.now() - began) / runs;
        check(instance, instance._sx_run_start(this.#run));
        for (const step of await gpu.profile(this.#cpuSide, this.#plan())) {
          const before = steps.get(step.step) ?? 0;
          steps.set(step.step, before + (i > 0 ? step.ms / runs : 0));
        }
        if (hooks.cancelled()) return undefined;
      }
      instance._sx_run_finish_on_gpu(this.#run);
      const onCpu = readString(instance, instance._sx_run_profile(this.#run) >>> 0);
      return { runs, ms, steps, onCpu };
    } finally {
      instance._sx_run_measure(this.#run, 0);
      instance._sx_run_reset(this.#run);
    }
  }

  // Where the input was copied to, until it is fed again.
  fed(input: number): Uint8Array | undefined {
    const staging = this.#staging.get(input);
    return staging && bytesAt(this.#instance, staging.pointer, staging.bytes);
  }

  // Frees what the runner has. The session's lowering may change then.
  dispose(): void {
    const instance = this.#instance;
    instance._sx_run_destroy(this.#run);
    instance._sx_free(this.#dims);
    for (const { pointer } of this.#staging.values()) instance._sx_free(pointer);
  }

  #feed(feeds: readonly WireFeed[]): void {
    const instance = this.#instance;
    instance._sx_run_reset(this.#run);
    for (const feed of feeds) this.#setInput(feed);
    check(instance, instance._sx_run_start(this.#run));
  }

  // Lets go of what the run has been fed and has made.
  #end<T>(result: T): T {
    this.#instance._sx_run_reset(this.#run);
    return result;
  }

  // True at the end of the run.
  #advance(): boolean {
    const state = this.#instance._sx_run_advance(this.#run, SLICE_MS);
    if (state < 0) throw lastError(this.#instance);
    return state === 0;
  }

  // False when cancelled.
  async #compute(hooks: RunHooks): Promise<boolean> {
    while (!this.#advance()) {
      const pause = hooks.betweenSlices();
      if (pause) await pause;
      if (hooks.cancelled()) return false;
    }
    return true;
  }

  // Contents of the outputs. Undefined when cancelled; the GPU then works on.
  async #dispatch(
    gpu: GpuExecutor,
    hooks: RunHooks,
  ): Promise<(Uint8Array | undefined)[] | undefined> {
    const work = gpu.run(this.#cpuSide, this.#plan());
    let timer: ReturnType<typeof setInterval> | undefined;
    const cancelled = new Promise<undefined>((resolve) => {
      timer = setInterval(() => {
        void hooks.betweenSlices();
        if (hooks.cancelled()) resolve(undefined);
      }, WATCH_MS);
    });
    try {
      const contents = await Promise.race([work, cancelled]);
      if (!contents) this.#abandoned = work.catch(() => undefined);
      return contents;
    } finally {
      clearInterval(timer);
    }
  }

  get #cpuSide() {
    const instance = this.#instance;
    return {
      memory: instance.wasmMemory,
      runSteps: (begin: number, end: number) =>
        check(instance, instance._sx_run_cpu_steps(this.#run, begin, end)),
    };
  }

  #plan(): number {
    const plan = this.#instance._sx_run_gpu_plan(this.#run) >>> 0;
    if (plan === 0) throw new GpuFailure(lastError(this.#instance).message);
    return plan;
  }

  #outputs(outputs: readonly number[], contents?: readonly (Uint8Array | undefined)[]) {
    const results = outputs.map((output) => this.#output(output, contents?.[output]));
    return results.filter((result) => result !== undefined);
  }

  #setInput({ input, type, shape, data }: WireFeed): void {
    const instance = this.#instance;
    const info = dtypeInfo(type);
    if (shape.length > MAX_RANK) {
      throw new Failure('INPUT_SHAPE', `rank ${shape.length} is above ${MAX_RANK}`);
    }
    const bytes =
      typeof data === 'number' ? byteLength(info, elementCount(shape)) : data.byteLength;
    const pointer = typeof data === 'number' ? data : this.#stage(input, data);
    const dims = viewAt(instance, this.#dims, 8 * MAX_RANK);
    shape.forEach((dim, axis) => dims.setBigInt64(8 * axis, BigInt(dim), true));
    check(
      instance,
      instance._sx_run_set_input(
        this.#run,
        input,
        info.number,
        shape.length,
        this.#dims,
        pointer,
        bytes,
      ),
    );
  }

  #stage(input: number, data: ArrayBufferView): number {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    let staging = this.#staging.get(input);
    if (!staging || staging.bytes < bytes.length) {
      // What grows does so again.
      const room = staging ? Math.ceil(1.25 * bytes.length) : bytes.length;
      if (staging) this.#instance._sx_free(staging.pointer);
      this.#staging.delete(input);
      staging = { pointer: allocate(this.#instance, room), bytes: room };
      this.#staging.set(input, staging);
    }
    bytesAt(this.#instance, staging.pointer, bytes.length).set(bytes);
    return staging.pointer;
  }

  // Undefined for an output that the model did not compute.
  #output(output: number, contents?: Uint8Array): Result | undefined {
    const instance = this.#instance;
    const pointer = instance._sx_run_output(this.#run, output) >>> 0;
    if (pointer === 0) return undefined;
    const view = viewAt(instance, pointer, OUTPUT.kind + 4);
    const number = view.getInt32(OUTPUT.dtype, true);
    const info = dtypeByNumber(number);
    if (!info) throw new Failure('DTYPE_UNSUPPORTED', `output ${output} has dtype ${number}`);
    const shape = Array.from({ length: view.getUint32(OUTPUT.rank, true) }, (_, axis) =>
      Number(view.getBigInt64(OUTPUT.dims + 8 * axis, true)),
    );
    const data = view.getUint32(OUTPUT.data, true);
    const bytes = view.getUint32(OUTPUT.bytes, true);
    if (data === 0 && bytes > 0 && !contents) throw lastError(instance);
    const isTensor = view.getInt32(OUTPUT.kind, true) === VALUE_KINDS.indexOf('tensor');
    const found = contents?.subarray(0, bytes) ?? bytesAt(instance, data, bytes);
    return { output, type: info.type, shape, bytes: found, isTensor };
  }
}
