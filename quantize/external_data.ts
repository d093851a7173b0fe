// Weights that lie in files of their own are taken into the model.
import { SardonyxError } from '../web/index.js';
import { storedTensors } from './graphs.js';
import type { ExternalData } from './options.js';
import {
  TensorProto_DataLocation as Location,
  type ModelProto,
  type TensorProto,
} from './onnx_pb.generated.js';
import { storedBytes } from './tensor_data.js';

/** Typed errors for files that are not there or that no tensor lies in, and for places that are not in them. */
export function takeInside(model: ModelProto, files: ExternalData): void {
  const outside = storedTensors(model).filter(isOutside);
  const named = new Set(outside.map((tensor) => entryOf(tensor, 'location')));
  const unknown = Object.keys(files).find((name) => !named.has(name));
  if (unknown !== undefined) {
    const names = [...named].join(', ') || 'none';
    const message = `no tensor lies in the file ${unknown}; the model names ${names}`;
    throw new SardonyxError('INVALID_ARGUMENT', message, { field: 'externalData' });
  }
  for (const tensor of outside) {
    tensor.rawData = payload(tensor, files);
    tensor.externalData = [];
    tensor.dataLocation = Location.DEFAULT;
  }
}

const isOutside = ({ dataLocation }: TensorProto) => dataLocation === Location.EXTERNAL;

const entryOf = ({ externalData }: TensorProto, key: string) =>
  externalData.find((entry) => entry.key === key)?.value ?? '';

function payload(tensor: TensorProto, files: ExternalData): Uint8Array {
  const location = entryOf(tensor, 'location');
  if (!Object.hasOwn(files, location)) {
    throw new SardonyxError(
      'EXTERNAL_DATA_MISSING',
      `tensor ${tensor.name} lies in the file ${location}`,
      { tensor: tensor.name, field: location },
    );
  }
  const file = files[location]!;
  const offset = position(tensor, 'offset') ?? 0;
  const length = position(tensor, 'length') ?? storedBytes(tensor);
  if (offset + length > file.length) {
    throw invalid(
      tensor,
      `bytes ${offset} to ${offset + length} of ${location}, which has ${file.length}`,
    );
  }
  return file.subarray(offset, offset + length);
}

function position(tensor: TensorProto, key: 'offset' | 'length'): number | undefined {
  const text = entryOf(tensor, key);
  if (text === '') return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw invalid(tensor, `its ${key} is ${text}`);
}

const invalid = ({ name }: TensorProto, message: string) =>
  new SardonyxError('EXTERNAL_DATA_INVALID', `tensor ${name}: ${message}`, { tensor: name });
