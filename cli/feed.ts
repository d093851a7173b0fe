// The tensor for one input of a run: from a file, or random.
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { SardonyxError, Tensor, type Value, type ValueInfo } from '../web/index.js';
import { makeFeed } from '../web/demo/random_feeds.js';
import { closedShape, dtypeInfo } from '../worker/dtypes.js';
import { UsageError } from './command.js';
import { readNpy } from './npy.js';
import { fromBytes } from './tensor_proto.js';
import { readValueProto } from './value_proto.js';

/** `1x3x224x224`; `scalar` has no dims. */
export function parseShape(text: string): number[] {
  if (text === 'scalar') return [];
  const dims = text.split(/[x,]/).map(Number);
  if (!/^\d+([x,]\d+)*$/.test(text) || !dims.every(Number.isSafeInteger)) {
    throw new UsageError(`a shape is written like 1x3x224x224, not ${text}`);
  }
  return dims;
}

async function read(file: string): Promise<Uint8Array> {
  return readFile(file).catch((thrown: unknown) => {
    throw new SardonyxError('INVALID_ARGUMENT', `can not read ${file}: ${String(thrown)}`, {
      field: 'input',
    });
  });
}

/** .pb holds a TensorProto, SequenceProto or OptionalProto, .npy an array of NumPy, any other file the elements, little-endian. */
export async function feedFromFile(
  info: ValueInfo,
  file: string,
  shape: readonly number[] | undefined,
): Promise<Value> {
  const bytes = await read(file);
  const kind = extname(file).toLowerCase();
  if (kind === '.pb') {
    const value = readValueProto(bytes, info.kind);
    return shape && value instanceof Tensor ? new Tensor(value.type, value.data, shape) : value;
  }
  if (kind !== '.npy') {
    if (info.kind !== 'tensor' || info.type === 'string') {
      throw new SardonyxError('INVALID_ARGUMENT', `input ${info.name} comes from a .pb file only`, {
        tensor: info.name,
      });
    }
    return new Tensor(
      info.type,
      fromBytes(dtypeInfo(info.type), bytes),
      shape ?? closedShape(info.shape),
    );
  }
  const tensor = readNpy(bytes);
  return shape ? new Tensor(tensor.type, tensor.data, shape) : tensor;
}

/** `next` gives numbers in [0, 1). */
export function randomFeed(
  info: ValueInfo,
  shape: readonly number[] | undefined,
  next?: () => number,
): Tensor {
  return makeFeed(info, shape ?? closedShape(info.shape), 'random', next);
}
