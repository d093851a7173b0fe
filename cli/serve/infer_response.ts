// Results of a run -> the body of the answer: JSON, then the binary data of the outputs that asked for it.
import { Tensor, type AnyTensor, type Value } from '../../web/index.js';
import { packStrings } from '../../worker/packed.js';
import { datatypeOf, isBinaryOnly } from '../../router/oip_datatypes.js';
import { badRequest } from './http_problem.js';
import type { InferRequest } from './infer_request.js';

export interface InferResponse {
  /** Bytes of JSON; undefined when there is nothing else. */
  readonly headerLength?: number;
  readonly body: Buffer;
}

export function writeResponse(
  model: { readonly name: string; readonly version: string },
  { id, wanted, isBinary }: InferRequest,
  results: Readonly<Record<string, Value>>,
): InferResponse {
  const binary: Buffer[] = [];
  const outputs = (wanted ?? Object.keys(results)).map((name) => {
    const tensor = results[name];
    if (!(tensor instanceof Tensor)) {
      throw badRequest(`output ${name} is no tensor: the protocol has no form for it`);
    }
    const head = JSON.stringify({ name, datatype: datatypeOf(tensor.type), shape: tensor.shape });
    if (!isBinary(name)) return `${head.slice(0, -1)},"data":${elements(name, tensor)}}`;
    const { buffer, byteOffset, byteLength } = bytesOf(tensor);
    binary.push(Buffer.from(buffer, byteOffset, byteLength));
    return `${head.slice(0, -1)},"parameters":{"binary_data_size":${byteLength}}}`;
  });
  const about = JSON.stringify({ model_name: model.name, model_version: model.version, id });
  const json = Buffer.from(`${about.slice(0, -1)},"outputs":[${outputs.join(',')}]}`);
  if (binary.length === 0) return { body: json };
  return { headerLength: json.length, body: Buffer.concat([json, ...binary]) };
}

const bytesOf = ({ data }: AnyTensor) => (Array.isArray(data) ? packStrings(data) : data);

// By hand, because JSON.stringify refuses 64-bit integers and writes NaN as null.
function elements(name: string, { type, data }: AnyTensor): string {
  if (isBinaryOnly(type)) throw badRequest(`output ${name}: ${type} travels as binary data only`);
  if (type === 'bool') return `[${Array.from(data as Uint8Array, (bit) => bit !== 0).join(',')}]`;
  if (Array.isArray(data)) return JSON.stringify(data);
  const values: readonly (number | bigint)[] = Array.from<number | bigint>(data);
  if (values.some((value) => typeof value === 'number' && !Number.isFinite(value))) {
    throw badRequest(
      `output ${name} holds NaN or infinity, which JSON has not: ask for binary data`,
    );
  }
  return `[${values.join(',')}]`;
}
