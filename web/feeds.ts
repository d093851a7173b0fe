// Checks what the caller feeds and asks for against what the model takes and gives.
import type { Slot, ValueInfo } from '../worker/protocol.js';
import type { Feed } from '../router/route.js';
import { allocationOf } from './allocation.js';
import { SardonyxError } from './errors.js';
import { Tensor } from './tensor.js';

export type Feeds = Readonly<Record<string, Tensor>>;

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
    const tensor = feeds[info.name];
    if (tensor !== undefined) result.push(checkFeed(info, tensor, input, owned));
    else if (!info.optional) {
      throw new SardonyxError('INPUT_MISSING', `there is no feed for input ${info.name}`, {
        tensor: info.name,
      });
    }
  });
  return result;
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

function checkFeed(info: ValueInfo, tensor: Tensor, input: number, owned: boolean): Feed {
  const where = { tensor: info.name };
  if (!(tensor instanceof Tensor)) {
    throw new SardonyxError('INVALID_ARGUMENT', `feed ${info.name} is not a Tensor`, where);
  }
  const { type, shape } = tensor;
  if (type !== info.type) {
    const message = `input ${info.name} takes ${info.type}, the feed is ${type}`;
    throw new SardonyxError('INPUT_DTYPE', message, where);
  }
  const fits =
    shape.length === info.shape.length &&
    info.shape.every((dim, axis) => typeof dim !== 'number' || dim === shape[axis]);
  if (!fits) {
    const message = `input ${info.name} takes shape [${info.shape.map((d) => d ?? '?').join(', ')}], the feed has [${shape.join(', ')}]`;
    throw new SardonyxError('INPUT_SHAPE', message, where);
  }
  const slot: Slot | undefined = allocationOf(tensor)?.slot;
  const data = tensor.data;
  if (data.length === 0 && !shape.includes(0)) {
    throw new SardonyxError('INPUT_SIZE', `the buffer of feed ${info.name} is detached`, where);
  }
  return { input, type, shape, data: slot ?? data, owned: owned && !slot };
}

// Indices of the outputs to compute; all when nothing is asked for.
export function checkOutputs(
  outputs: readonly ValueInfo[],
  wanted: readonly string[] | Feeds | undefined,
): number[] {
  if (wanted === undefined) return outputs.map((_, index) => index);
  const names = Array.isArray(wanted) ? (wanted as readonly string[]) : Object.keys(wanted);
  return names.map((name) => {
    const index = outputs.findIndex((output) => output.name === name);
    if (index >= 0) return index;
    throw new SardonyxError('OUTPUT_UNKNOWN', `the model has no output ${name}`, { tensor: name });
  });
}
