// Results of a run -> the body of the answer: JSON, then the binary data of the outputs that asked for it.
import type { Tensor } from '../../web/index.js';
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
  results: Readonly<Record<string, Tensor>>,
): InferResponse {
  const binary: Buffer[] = [];
  const outputs = (wanted ?? Object.keys(results)).map((name) => {
    const tensor = results[name]!;
    const head = JSON.stringify({ name, datatype: datatypeOf(tensor.type), shape: tensor.shape });
    if (!isBinary(name)) return `${head.slice(0, -1)},"data":${elements(name, tensor)}}`;
    const { buffer, byteOffset, byteLength } = tensor.data;
    binary.push(Buffer.from(buffer, byteOffset, byteLength));
    return `${head.slice(0, -1)},"parameters":{"binary_data_size":${byteLength}}}`;
  });
  const about = JSON.stringify({ model_name: model.name, model_version: model.version, id });
  const json = Buffer.from(`${about.slice(0, -1)},"outputs":[${outputs.join(',')}]}`);
  if (binary.length === 0) return { body: json };
  return { headerLength: json.length, body: Buffer.concat([json, ...binary]) };
}

// By hand, because JSON.stringify refuses 64-bit integers and writes NaN as null.
function elements(name: string, { type, data }: Tensor): string {
  if (isBinaryOnly(type)) throw badRequest(`output ${name}: ${type} travels as binary data only`);
  if (type === 'bool') return `[${Array.from(data as Uint8Array, (bit) => bit !== 0).join(',')}]`;
  const values: readonly (number | bigint)[] = Array.from<number | bigint>(data);
  if (values.some((value) => typeof value === 'number' && !Number.isFinite(value))) {
    throw badRequest(
      `output ${name} holds NaN or infinity, which JSON has not: ask for binary data`,
    );
  }
  return `[${values.join(',')}]`;
}
