// Tensors whose data lies in the engine's memory.
import { dtypeInfo, arrayLength, byteLength, elementCount } from '../worker/dtypes.js';
import type { Slot, ValueInfo } from '../worker/protocol.js';
import type { Route } from '../router/route.js';
import { SardonyxError } from './errors.js';
import { checkShape, onDispose, revoke, Tensor, type AnyTensor } from './tensor.js';

interface Allocation {
  readonly route: Route;
  readonly slot: Slot;
}

const allocations = new WeakMap<AnyTensor, Allocation>();

export const allocationOf = (tensor: AnyTensor) => allocations.get(tensor);

// A tensor for `input`, in the engine's memory when the route has some at hand, else in an ordinary
// buffer. Its contents are unspecified.
export function allocateTensor(
  route: Route,
  info: ValueInfo,
  input: number,
  shape: readonly number[],
): Tensor {
  if (info.kind !== 'tensor' || info.type === 'string') {
    throw new SardonyxError(
      'INVALID_ARGUMENT',
      `input ${info.name} has no memory to allocate: only tensors of numbers have`,
      { tensor: info.name },
    );
  }
  const dims = checkShape(shape);
  const dtype = dtypeInfo(info.type);
  const length = arrayLength(dtype, elementCount(dims));
  const bytes = byteLength(dtype, elementCount(dims));
  const slot = route.lend(input, bytes, () => revoke(tensor, 'TENSOR_STALE'));
  const buffer = slot?.view.buffer ?? new ArrayBuffer(bytes);
  const tensor = new Tensor(
    info.type,
    new dtype.array(buffer, slot?.view.byteOffset ?? 0, length),
    dims,
  );
  if (slot) {
    allocations.set(tensor, { route, slot });
    onDispose(tensor, () => route.takeBack(slot));
  }
  return tensor;
}

// The shape to allocate: `given`, or the model's when it is known.
export function fullShape(
  info: ValueInfo,
  given: readonly number[] | undefined,
): readonly number[] {
  const shape = given ?? info.shape;
  if (shape?.every((dim) => typeof dim === 'number')) return shape;
  throw new SardonyxError(
    'INVALID_ARGUMENT',
    `the shape of ${info.name} is not known before a run: pass one`,
    { tensor: info.name },
  );
}
