// Runs a loaded model in slices. One run at a time.
import { MAX_RANK, OUTPUT, type Instance } from './abi.js';
import { byteLength, dtypeByNumber, dtypeInfo, elementCount } from './dtypes.js';
import { Failure } from './failure.js';
import type { LoadedModel } from './load_model.js';
import { allocate, bytesAt, viewAt } from './memory.js';
import type { WireFeed, WireTensor } from './protocol.js';
import { check, lastError } from './status.js';

// How long the engine works before it looks for a cancel.
const SLICE_MS = 8;

export interface RunHooks {
  cancelled(): boolean;
  // After each slice; awaited when it returns a promise.
  betweenSlices(): Promise<void> | undefined;
}

interface Staging {
  pointer: number;
  bytes: number;
}

export class Runner {
  readonly #instance: Instance;
  readonly #run: number;
  readonly #dims: number;
  // Per input, where feeds that come by message are copied to; kept for the next run.
  readonly #staging = new Map<number, Staging>();

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
    const instance = this.#instance;
    if (hooks.cancelled()) return undefined;
    instance._sx_run_reset(this.#run);
    for (const feed of feeds) this.#setInput(feed);
    check(instance, instance._sx_run_start(this.#run));
    for (;;) {
      const state = instance._sx_run_advance(this.#run, SLICE_MS);
      if (state < 0) throw lastError(instance);
      if (state === 0) break;
      const pause = hooks.betweenSlices();
      if (pause) await pause;
      if (hooks.cancelled()) {
        instance._sx_run_reset(this.#run);
        return undefined;
      }
    }
    const results = outputs.map((output) => this.#output(output));
    instance._sx_run_reset(this.#run);
    return results.filter((result) => result !== undefined);
  }

  #setInput({ input, type, shape, data }: WireFeed): void {
    const instance = this.#instance;
    const info = dtypeInfo(type);
    if (shape.length > MAX_RANK) {
      throw new Failure('INPUT_SHAPE', `rank ${shape.length} is above ${MAX_RANK}`);
    }
    const bytes = byteLength(info, elementCount(shape));
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
      if (staging) this.#instance._sx_free(staging.pointer);
      this.#staging.delete(input);
      staging = { pointer: allocate(this.#instance, bytes.length), bytes: bytes.length };
      this.#staging.set(input, staging);
    }
    bytesAt(this.#instance, staging.pointer, bytes.length).set(bytes);
    return staging.pointer;
  }

  // A copy in an ordinary ArrayBuffer; undefined for an output that the model did not compute.
  #output(output: number): WireTensor | undefined {
    const instance = this.#instance;
    const pointer = instance._sx_run_output(this.#run, output) >>> 0;
    if (pointer === 0) return undefined;
    const view = viewAt(instance, pointer, OUTPUT.bytes + 4);
    const number = view.getInt32(OUTPUT.dtype, true);
    const info = dtypeByNumber(number);
    if (!info) throw new Failure('DTYPE_UNSUPPORTED', `output ${output} has dtype ${number}`);
    const shape = Array.from({ length: view.getUint32(OUTPUT.rank, true) }, (_, axis) =>
      Number(view.getBigInt64(OUTPUT.dims + 8 * axis, true)),
    );
    const data = view.getUint32(OUTPUT.data, true);
    const bytes = view.getUint32(OUTPUT.bytes, true);
    const copy = bytesAt(instance, data, bytes).slice();
    return { output, type: info.type, shape, data: new info.array(copy.buffer) };
  }
}
