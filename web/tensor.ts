import {
  arrayLength,
  dtypeByName,
  elementCount,
  type DType,
  type DTypeInfo,
  type TypedArray,
} from '../worker/dtypes.js';
import { type ErrorCode, SardonyxError } from './errors.js';

export type { DType, TypedArray };
export type TensorData = TypedArray | string[];
export type AnyTensor = Tensor<TensorData>;

// Takes the data away: later reads throw `code`. For the memory's owner only.
export let revoke: (tensor: AnyTensor, code: ErrorCode) => void;
// Called once by dispose(). For the memory's owner only.
export let onDispose: (tensor: AnyTensor, callback: () => void) => void;

/**
 * A dense row-major array. Holds `data` without copying it; int64 is a BigInt64Array, bool a Uint8Array
 * of 0 and 1, float16 and bfloat16 their bits in a Uint16Array; types under a byte are packed, the
 * first element in the low bits; string is an array of strings.
 */
export class Tensor<D extends TensorData = TypedArray> {
  readonly type: DType;
  readonly shape: readonly number[];
  readonly location = 'cpu';
  #data: D | undefined;
  #revoked: ErrorCode = 'TENSOR_DISPOSED';
  #onDispose: (() => void) | undefined;

  static {
    revoke = (tensor, code) => tensor.#revoke(code);
    onDispose = (tensor, callback) => (tensor.#onDispose = callback);
  }

  /** INVALID_ARGUMENT, INPUT_DTYPE, INPUT_SHAPE or INPUT_SIZE when the parts do not fit each other. */
  constructor(type: DType, data: D, shape: readonly number[]) {
    const info = dtypeByName(type);
    if (!info) throw new SardonyxError('INVALID_ARGUMENT', `there is no dtype ${type}`);
    const bits = (type === 'string' ? toStrings(data) : toBits(info, data)) as D;
    const dims = checkShape(shape);
    const length = arrayLength(info, elementCount(dims));
    if (bits.length !== length) {
      throw new SardonyxError(
        'INPUT_SIZE',
        `${type} of shape [${dims.join(', ')}] takes ${length} elements, data has ${bits.length}`,
      );
    }
    this.type = type;
    this.shape = dims;
    this.#data = bits;
  }

  /**
   * TENSOR_DISPOSED after dispose(); TENSOR_STALE when it came from session.allocate() and the session
   * was disposed or has started a new worker.
   */
  get data(): D {
    if (this.#data) return this.#data;
    const stale = this.#revoked === 'TENSOR_STALE';
    throw new SardonyxError(
      this.#revoked,
      stale ? 'the memory of this tensor went away with its worker' : 'this tensor was disposed',
    );
  }

  getData(): Promise<D> {
    return new Promise((resolve) => resolve(this.data));
  }

  dispose(): void {
    this.#revoke('TENSOR_DISPOSED');
  }

  #revoke(code: ErrorCode): void {
    if (!this.#data) return;
    this.#data = undefined;
    this.#revoked = code;
    const callback = this.#onDispose;
    this.#onDispose = undefined;
    callback?.();
  }
}

function toStrings(data: unknown): string[] {
  if (Array.isArray(data) && data.every((value) => typeof value === 'string')) return data;
  throw new SardonyxError('INPUT_DTYPE', 'string takes an array of strings');
}

function toBits(info: DTypeInfo, data: TensorData): TypedArray {
  if (data instanceof info.array) return data;
  const name = (data as object | null)?.constructor.name ?? String(data);
  if (info.type === 'float16' && name === 'Float16Array') {
    const { buffer, byteOffset, length } = data as TypedArray;
    return new Uint16Array(buffer, byteOffset, length);
  }
  throw new SardonyxError('INPUT_DTYPE', `${info.type} takes ${info.array.name}, not ${name}`);
}

export function checkShape(shape: readonly number[]): readonly number[] {
  if (!Array.isArray(shape) || !shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) {
    throw new SardonyxError('INPUT_SHAPE', `[${String(shape)}] is not a shape`);
  }
  return Object.freeze([...(shape as readonly number[])]);
}
