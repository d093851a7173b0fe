// What sessions take and give, on its way from and to the worker.
import { arrayLength, closedShape, dtypeInfo, elementCount } from '../worker/dtypes.js';
import {
  packBox,
  packStrings,
  unpackBox,
  unpackStrings,
  type PackedTensor,
} from '../worker/packed.js';
import type { ValueInfo } from '../worker/protocol.js';
import { SardonyxError } from './errors.js';
import { Tensor, type AnyTensor } from './tensor.js';

/** A tensor, a sequence of tensors, or null for an optional without element. */
export type Value = AnyTensor | readonly AnyTensor[] | null;

/** The elements of a tensor as the engine takes them. */
export function packTensor({ type, shape, data }: AnyTensor): PackedTensor {
  return { type, shape, data: Array.isArray(data) ? packStrings(data) : data };
}

export const packTensors = (tensors: readonly AnyTensor[] | null) =>
  packBox(tensors?.map(packTensor) ?? null);

export function unpackTensor({ type, shape, data }: PackedTensor): AnyTensor {
  if (type !== 'string') return new Tensor(type, data, shape);
  return new Tensor(type, unpackStrings(data as Uint8Array), shape);
}

export function unpackValue({ kind }: ValueInfo, packed: PackedTensor): Value {
  if (kind === 'tensor') return unpackTensor(packed);
  const tensors = unpackBox(packed.data as Uint8Array)?.map(unpackTensor) ?? null;
  return kind === 'optional' && tensors ? tensors[0]! : tensors;
}

/** Zeros, empty strings, or nothing; 1 for dims that are not known. */
export function zeroValue({ kind, type, shape }: ValueInfo): Value {
  if (kind === 'sequence') return [];
  if (kind !== 'tensor') return null;
  const dims = closedShape(shape);
  const info = dtypeInfo(type);
  const length = arrayLength(info, elementCount(dims));
  if (type === 'string') return new Tensor(type, new Array<string>(length).fill(''), dims);
  return new Tensor(
    type,
    new info.array(new ArrayBuffer(length * Math.max(1, info.bits / 8))),
    dims,
  );
}

export function copyValue(value: Value): Value {
  if (value instanceof Tensor) {
    return new Tensor(value.type, value.data.slice() as never, value.shape);
  }
  return value?.map((tensor) => copyValue(tensor) as AnyTensor) ?? null;
}

/** `tensor [2, 3] of float32`, for messages. */
export function describeValue(value: Value): string {
  if (value === null) return 'null';
  if (value instanceof Tensor) return `${value.type} [${value.shape.join(', ')}]`;
  return `a sequence of ${value.length}`;
}

/** Writes a result into the tensor that was given for it. INVALID_ARGUMENT when it does not fit. */
export function fillTensor(name: string, target: AnyTensor, result: Value): AnyTensor {
  const same =
    result instanceof Tensor &&
    target.type === result.type &&
    target.shape.length === result.shape.length &&
    target.shape.every((dim, axis) => dim === result.shape[axis]);
  if (!same) {
    throw new SardonyxError(
      'INVALID_ARGUMENT',
      `output ${name} is ${describeValue(result)}, the tensor for it ${describeValue(target)}`,
      { tensor: name },
    );
  }
  if (Array.isArray(target.data)) Object.assign(target.data, result.data);
  else (target.data as Uint8Array).set(result.data as Uint8Array);
  return target;
}
