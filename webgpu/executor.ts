// Runs plans on one device: buffers and pipelines are made when a plan is seen for the first time, a
// run writes the inputs, submits once and reads back once, unless it hands steps over to the CPU.
import { acquireDevice, type GpuContext } from './device.js';
import { GpuFailure, reasonOf } from './failure.js';
import { toHalves } from './half.js';
import { PipelineCache } from './pipelines.js';
import {
  type Copy,
  type HandOver,
  planId,
  readArena,
  readFeeds,
  readPlan,
  STEP_BYTES,
} from './plan.js';
import { checked, makeBuffer, type PreparedPlan, preparePlan } from './prepared_plan.js';

/** The CPU side of the program. */
export interface CpuSide {
  readonly memory: WebAssembly.Memory;
  /** Runs steps [begin, end) of the plan's segment in the arena. */
  runSteps(begin: number, end: number): void;
}

/** The time of one dispatch, and the step of the run that it is of. */
export interface StepTime {
  readonly step: number;
  readonly ms: number;
}

/** How often waiting for nothing is timed; the least counts. */
const EMPTY_SUBMITS = 5;

/** Plans kept with their buffers; the engine keeps as many bindings. */
const MAX_PLANS = 4;

export class GpuExecutor {
  readonly adapter: string;
  readonly #device: GPUDevice;
  readonly #lost: Promise<never>;
  readonly #cache: PipelineCache;
  readonly #plans = new Map<number, PreparedPlan>();
  #weights: GPUBuffer | undefined;
  #gone = false;

  private constructor({ device, adapter, lost }: GpuContext) {
    this.#device = device;
    this.adapter = adapter;
    this.#cache = new PipelineCache(device);
    this.#lost = lost.then((reason) => {
      this.#gone = true;
      throw new GpuFailure(`the device was lost (${reason})`, true);
    });
    this.#lost.catch(() => undefined);
  }

  /** Rejects with GpuFailure. */
  static async create(): Promise<GpuExecutor> {
    return new GpuExecutor(await acquireDevice());
  }

  /**
   * Runs the plan at `address` on the feeds that it names. The contents of each output of the model,
   * padded to whole words; undefined for those that are in wasm memory. Rejects with GpuFailure when
   * the GPU can not do it.
   */
  run(cpu: CpuSide, address: number): Promise<(Uint8Array | undefined)[]> {
    return this.#guard(this.#run(cpu, address));
  }

  /** As run(), with each dispatch submitted and waited for by itself, less what waiting for nothing takes. */
  async profile(cpu: CpuSide, address: number): Promise<StepTime[]> {
    return this.#guard(this.#profile(cpu, address));
  }

  dispose(): void {
    this.#gone = true;
    this.#device.destroy();
  }

  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([work, this.#lost]);
    } catch (thrown) {
      const { name } = thrown as Error;
      if (name === 'Failure' || name === 'GpuFailure') throw thrown;
      // mapAsync() tells of a loss before the device does, if that ever does.
      const lost = name === 'AbortError';
      throw new GpuFailure((lost ? 'the device was lost: ' : '') + reasonOf(thrown), lost);
    }
  }

  async #profile(cpu: CpuSide, address: number): Promise<StepTime[]> {
    const times: StepTime[] = [];
    const empty: number[] = [];
    for (let i = 0; i < EMPTY_SUBMITS; i++) empty.push(await this.#timed(() => undefined));
    await this.#run(cpu, address, times);
    const least = Math.min(...empty);
    return times.map(({ step, ms }) => ({ step, ms: Math.max(0, ms - least) }));
  }

  async #timed(encode: (encoder: GPUCommandEncoder) => void): Promise<number> {
    const encoder = this.#device.createCommandEncoder();
    encode(encoder);
    const commands = encoder.finish();
    const { queue } = this.#device;
    const began = performance.now();
    queue.submit([commands]);
    await queue.onSubmittedWorkDone();
    return performance.now() - began;
  }

  async #run(
    cpu: CpuSide,
    address: number,
    times?: StepTime[],
  ): Promise<(Uint8Array | undefined)[]> {
    const id = planId(cpu.memory, address);
    let prepared = this.#plans.get(id);
    const steady = prepared !== undefined;
    prepared ??= await this.#prepare(cpu, address);
    this.#plans.delete(id);
    this.#plans.set(id, prepared);
    const feeds = readFeeds(cpu.memory, address);
    const arena = readArena(cpu.memory, address);
    const work = () => ({ contents: this.#execute(prepared, feeds, arena, cpu, times) });
    if (steady) return work().contents;
    const first = await checked(this.#device, () => {
      const started = work();
      started.contents.catch(() => undefined);
      return started;
    });
    return first.contents;
  }

  async #prepare({ memory }: CpuSide, address: number): Promise<PreparedPlan> {
    const plan = readPlan(memory, address);
    this.#weights ??= await checked(this.#device, () => {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
      const buffer = makeBuffer(this.#device, plan.weightsBytes, usage);
      const { queue } = this.#device;
      for (const { offset, bytes, address } of plan.weights) {
        queue.writeBuffer(buffer, offset, memory.buffer, address, bytes);
      }
      for (const { offset, bytes, address } of plan.halves) {
        const { buffer: floats } = new Uint8Array(memory.buffer, address, bytes).slice();
        queue.writeBuffer(buffer, offset, toHalves(new Float32Array(floats)));
      }
      return buffer;
    });
    if (this.#plans.size === MAX_PLANS) {
      const [oldest, old] = this.#plans.entries().next().value!;
      this.#plans.delete(oldest);
      old.destroy();
    }
    return preparePlan(this.#device, this.#cache, this.#weights, plan, memory);
  }

  async #execute(
    prepared: PreparedPlan,
    feeds: readonly Copy[],
    cpuArena: number,
    cpu: CpuSide,
    times?: StepTime[],
  ): Promise<(Uint8Array | undefined)[]> {
    const { plan, arena } = prepared;
    const { queue } = this.#device;
    for (const { offset, bytes, address } of feeds) {
      if (bytes > 0) queue.writeBuffer(arena, offset, cpu.memory.buffer, address, bytes);
    }
    let next = 0;
    for (const handOver of plan.handOvers) {
      if (times) next = await this.#advanceTimed(prepared, next, handOver.after, times);
      const contents = await this.#advance(prepared, next, handOver.after, handOver.downloads);
      next = handOver.after;
      this.#onCpu(prepared, handOver, contents, cpuArena, cpu);
    }
    if (times) next = await this.#advanceTimed(prepared, next, plan.dispatches.length, times);
    const present = plan.outputs.filter(({ bytes }) => bytes > 0);
    const contents = await this.#advance(prepared, next, plan.dispatches.length, present);
    let found = 0;
    return plan.outputs.map(({ bytes }) => (bytes > 0 ? contents[found++] : undefined));
  }

  #onCpu(
    { arena }: PreparedPlan,
    { begin, end, downloads, uploads }: HandOver,
    contents: readonly Uint8Array[],
    cpuArena: number,
    cpu: CpuSide,
  ): void {
    // Then the run in memory may be another one already.
    if (this.#gone) throw new GpuFailure('the device was lost', true);
    const { memory } = cpu;
    const bytesAt = (at: number, bytes: number) => new Uint8Array(memory.buffer, at, bytes);
    downloads.forEach(({ offset, bytes }, i) =>
      bytesAt(cpuArena + offset, bytes).set(contents[i]!),
    );
    cpu.runSteps(begin, end);
    for (const { offset, bytes } of uploads) {
      this.#device.queue.writeBuffer(arena, offset, memory.buffer, cpuArena + offset, bytes);
    }
  }

  // Dispatches [begin, end) one by one; returns `end`.
  async #advanceTimed(
    prepared: PreparedPlan,
    begin: number,
    end: number,
    times: StepTime[],
  ): Promise<number> {
    for (let i = begin; i < end; ++i) {
      const ms = await this.#timed((encoder) => dispatch(encoder, prepared, i, i + 1));
      times.push({ step: prepared.plan.dispatches[i]!.step, ms });
    }
    return end;
  }

  // Dispatches [begin, end), then a copy of each of `wanted` from the arena.
  async #advance(
    prepared: PreparedPlan,
    begin: number,
    end: number,
    wanted: readonly Copy[],
  ): Promise<Uint8Array[]> {
    const { arena, readback } = prepared;
    const encoder = this.#device.createCommandEncoder();
    if (end > begin) dispatch(encoder, prepared, begin, end);
    let total = 0;
    for (const { offset, bytes } of wanted) {
      encoder.copyBufferToBuffer(arena, offset, readback, total, bytes);
      total += bytes;
    }
    this.#device.queue.submit([encoder.finish()]);
    if (total === 0) return [];
    await readback.mapAsync(GPUMapMode.READ, 0, total);
    const all = new Uint8Array(readback.getMappedRange(0, total)).slice();
    readback.unmap();
    let offset = 0;
    return wanted.map(({ bytes }) => all.slice(offset, (offset += bytes)));
  }
}

function dispatch(
  encoder: GPUCommandEncoder,
  { plan, pipelines, bindings }: PreparedPlan,
  begin: number,
  end: number,
): void {
  const pass = encoder.beginComputePass();
  for (let i = begin; i < end; ++i) {
    const { groups } = plan.dispatches[i]!;
    pass.setPipeline(pipelines[i]!);
    pass.setBindGroup(0, bindings, [i * STEP_BYTES]);
    pass.dispatchWorkgroups(groups[0], groups[1]);
  }
  pass.end();
}
