// Checks what the caller feeds and asks for against what the model takes and gives.
import { dimsText } from '../worker/dtypes.js';
import type { Slot, ValueInfo } from '../worker/protocol.js';
import type { Feed } from '../router/route.js';
import { allocationOf } from './allocation.js';
import { SardonyxError, toSardonyxError } from './errors.js';
import { Tensor, type AnyTensor } from './tensor.js';
import { packTensor, packTensors, type Value } from './values.js';

export type Feeds = Readonly<Record<string, Value>>;

// Feeds in the order of the model's inputs. INPUT_MISSING, INPUT_UNKNOWN, INPUT_DTYPE, INPUT_SHAPE,
// INVALID_ARGUMENT; TENSOR_DISPOSED and TENSOR_STALE from the tensors themselves.
export function checkFeeds(inputs: readonly ValueInfo[], feeds: Feeds, owned: boolean): Feed[] {
  if (!isObject(feeds)) {
    throw new SardonyxError('INVALID_ARGUMENT', 'feeds must be an object of tensors by name');
  }
  for (const name of Object.keys(feeds)) {
    if (!inputs.some((input) => input.name === name)) {
      throw new SardonyxError('INPUT_UNKNOWN', `the model has no input ${name}`, { tensor: name });
    }
  }
  const result: Feed[] = [];
  inputs.forEach((info, input) => {
    const value = feeds[info.name];
    if (value !== undefined) result.push(checkFeed(info, value, input, owned));
    else if (!info.optional) {
      throw new SardonyxError('INPUT_MISSING', `there is no feed for input ${info.name}`, {
        tensor: info.name,
      });
    }
  });
  return result;
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

function checkFeed(info: ValueInfo, value: Value, input: number, owned: boolean): Feed {
  if (info.kind === 'tensor') {
    const tensor = checkTensor(info, value);
    const slot: Slot | undefined = allocationOf(tensor)?.slot;
    if (slot) return { input, type: tensor.type, shape: tensor.shape, data: slot, owned: false };
    if (tensor.type !== 'string') return { input, ...packTensor(tensor), owned };
    return { input, ...atInput(info, () => packTensor(tensor)), packed: true, owned: true };
  }
  const tensors = checkTensors(info, value);
  const data = atInput(info, () => packTensors(tensors));
  return { input, type: info.type, shape: [], data, packed: true, owned: true };
}

// The tensors of a sequence or an optional; null for the latter without element.
function checkTensors(info: ValueInfo, value: Value): readonly AnyTensor[] | null {
  const { kind, name } = info;
  if (value === null && kind !== 'sequence') return null;
  if (kind === 'optional') return [checkTensor(info, value)];
  if (Array.isArray(value)) return value.map((tensor: AnyTensor) => checkTensor(info, tensor));
  const given = kind === 'sequence' ? 'an array of tensors' : 'an array of tensors or null';
  throw new SardonyxError('INPUT_DTYPE', `input ${name} takes ${given}`, { tensor: name });
}

function atInput<T>({ name }: ValueInfo, pack: () => T): T {
  try {
    return pack();
  } catch (thrown) {
    const { code, message } = toSardonyxError(thrown);
    throw new SardonyxError(code, `input ${name}: ${message}`, { tensor: name });
  }
}

function checkTensor(info: ValueInfo, tensor: Value): AnyTensor {
  const where = { tensor: info.name };
  if (!(tensor instanceof Tensor)) {
    const code = tensor === null || Array.isArray(tensor) ? 'INPUT_DTYPE' : 'INVALID_ARGUMENT';
    throw new SardonyxError(code, `feed ${info.name} is not a Tensor`, where);
  }
  const { type, shape } = tensor;
  if (type !== info.type) {
    const message = `input ${info.name} takes ${info.type}, the feed is ${type}`;
    throw new SardonyxError('INPUT_DTYPE', message, where);
  }
  const fits =
    !info.shape ||
    (shape.length === info.shape.length &&
      info.shape.every((dim, axis) => typeof dim !== 'number' || dim === shape[axis]));
  if (!fits) {
    const message = `input ${info.name} takes shape [${dimsText(info.shape)}], the feed has [${shape.join(', ')}]`;
    throw new SardonyxError('INPUT_SHAPE', message, where);
  }
  if (tensor.data.length === 0 && !shape.includes(0)) {
    throw new SardonyxError('INPUT_SIZE', `the buffer of feed ${info.name} is detached`, where);
  }
  return tensor;
}

// Indices of the outputs to compute; all when nothing is asked for.
export function checkOutputs(
  outputs: readonly ValueInfo[],
  wanted: readonly string[] | Readonly<Record<string, AnyTensor>> | undefined,
): number[] {
  if (wanted === undefined) return outputs.map((_, index) => index);
  const names = Array.isArray(wanted) ? (wanted as readonly string[]) : Object.keys(wanted);
  return names.map((name) => {
    const index = outputs.findIndex((output) => output.name === name);
    if (index >= 0) return index;
    throw new SardonyxError('OUTPUT_UNKNOWN', `the model has no output ${name}`, { tensor: name });
  });
}
