// The body of an inference request -> tensors. Binary data follow the JSON, in the order of the inputs:
// github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
import { SardonyxError, Tensor, type AnyTensor } from '../../web/index.js';
import { dtypeInfo, type DType, type TypedArray } from '../../worker/dtypes.js';
import { unpackStrings } from '../../worker/packed.js';
import { fromBytes } from '../tensor_proto.js';
import { dtypeOf, isBinaryOnly } from '../../router/oip_datatypes.js';
import { badRequest } from './http_problem.js';

export interface InferRequest {
  readonly id?: string;
  readonly feeds: Readonly<Record<string, AnyTensor>>;
  /** Outputs to give, in their order; undefined: all. */
  readonly wanted?: readonly string[];
  /** Whether the output goes back as binary data. */
  readonly isBinary: (output: string) => boolean;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `headerLength` is the header Inference-Header-Content-Length: how many bytes are JSON. */
export function readRequest(body: Buffer, headerLength: string | undefined): InferRequest {
  const split = headerLength === undefined ? body.length : Number(headerLength);
  if (!/^\d+$/.test(headerLength ?? '0') || split > body.length) {
    throw badRequest(
      `Inference-Header-Content-Length is ${headerLength}, the body has ${body.length} bytes`,
    );
  }
  const request = parse(body.subarray(0, split));
  const { id, inputs, outputs } = request;
  if (id !== undefined && typeof id !== 'string') throw badRequest('id must be a string');
  const parameters = parametersOf(request, 'the request');
  const wanted = readOutputs(outputs);
  return {
    ...(id === undefined ? {} : { id }),
    feeds: readInputs(inputs, body.subarray(split)),
    ...(wanted ? { wanted: [...wanted.keys()] } : {}),
    isBinary: (name) => wanted?.get(name) ?? parameters.binary_data_output === true,
  };
}

function parse(text: Buffer): Json {
  let value: unknown;
  try {
    value = JSON.parse(text.toString());
  } catch (thrown) {
    throw badRequest(`the body is not JSON: ${(thrown as Error).message}`);
  }
  if (!isObject(value)) throw badRequest('the body must be a JSON object');
  return value;
}

function parametersOf({ parameters }: Json, where: string): Json {
  if (parameters === undefined) return {};
  if (!isObject(parameters)) throw badRequest(`parameters of ${where} must be an object`);
  return parameters;
}

function named(value: unknown, where: string): Json & { readonly name: string } {
  if (!isObject(value)) throw badRequest(`${where} must be an object`);
  const { name } = value;
  if (typeof name !== 'string') throw badRequest(`${where}.name must be a string`);
  return { ...value, name };
}

/** By name: whether it is to be binary, undefined where it does not say. */
function readOutputs(outputs: unknown): Map<string, boolean | undefined> | undefined {
  if (outputs === undefined) return undefined;
  if (!Array.isArray(outputs)) throw badRequest('outputs must be an array');
  const wanted = new Map<string, boolean | undefined>();
  outputs.forEach((value: unknown, i) => {
    const output = named(value, `outputs[${i}]`);
    const { binary_data: binary } = parametersOf(output, `outputs[${i}]`);
    wanted.set(output.name, typeof binary === 'boolean' ? binary : undefined);
  });
  return wanted.size > 0 ? wanted : undefined;
}

function readInputs(inputs: unknown, binary: Buffer): Record<string, AnyTensor> {
  if (!Array.isArray(inputs)) throw badRequest('inputs must be an array');
  const feeds = new Map<string, AnyTensor>();
  let at = 0;
  inputs.forEach((value: unknown, i) => {
    const where = `inputs[${i}]`;
    const input = named(value, where);
    if (feeds.has(input.name)) throw badRequest(`${where} has the name of an earlier one`);
    const size = parametersOf(input, where).binary_data_size;
    if (size !== undefined && (!Number.isSafeInteger(size) || (size as number) < 0)) {
      throw badRequest(`${where}.parameters.binary_data_size must be a whole number`);
    }
    const bytes = size === undefined ? undefined : binary.subarray(at, at + (size as number));
    if (bytes && bytes.length !== size) {
      throw badRequest(
        `${where} has ${String(size)} bytes, the body holds ${bytes.length} of them`,
      );
    }
    at += bytes?.length ?? 0;
    feeds.set(input.name, readTensor(input, bytes, where));
  });
  if (at === binary.length) return Object.fromEntries(feeds);
  throw badRequest(`${binary.length - at} bytes of binary data belong to no input`);
}

function readTensor(input: Json & { name: string }, bytes: Buffer | undefined, where: string) {
  const { name, datatype, shape, data } = input;
  const type = typeof datatype === 'string' ? dtypeOf(datatype) : undefined;
  if (!type) throw badRequest(`${where}.datatype: there is no ${String(datatype)} here`);
  if (bytes && data !== undefined) throw badRequest(`${where} has data and binary data`);
  try {
    if (type === 'string') return readStrings(shape, bytes, data, where);
    const elements = bytes ? fromBytes(dtypeInfo(type), bytes) : fromJson(type, data, where);
    // The library checks that it is a shape.
    return new Tensor(type, elements, shape as number[]);
  } catch (thrown) {
    if (!(thrown instanceof SardonyxError)) throw thrown;
    throw new SardonyxError(thrown.code, `${where}: ${thrown.message}`, { tensor: name });
  }
}

// As binary data, packed as the engine packs them.
function readStrings(shape: unknown, bytes: Buffer | undefined, data: unknown, where: string) {
  const flat: unknown[] = bytes ? unpacked(bytes, where) : [];
  if (!bytes) {
    if (!Array.isArray(data)) throw badRequest(`${where}.data must be an array`);
    flatten(data, flat, 0, where);
  }
  return new Tensor('string', flat as string[], shape as number[]);
}

function unpacked(bytes: Buffer, where: string): string[] {
  try {
    return unpackStrings(bytes);
  } catch (thrown) {
    throw badRequest(`${where}: ${(thrown as Error).message}`);
  }
}

/** Elements row-major, flat or nested. */
function fromJson(type: DType, data: unknown, where: string): TypedArray {
  if (!Array.isArray(data)) throw badRequest(`${where}.data must be an array`);
  if (isBinaryOnly(type)) throw badRequest(`${where}: ${type} travels as binary data only`);
  const flat: unknown[] = [];
  flatten(data, flat, 0, where);
  const info = dtypeInfo(type);
  const elements = new info.array(new ArrayBuffer((flat.length * info.bits) / 8));
  for (const [i, value] of flat.entries()) {
    if (!fits(type, value)) {
      throw badRequest(`${where}.data: element ${i}, ${JSON.stringify(value)}, is no ${type}`);
    }
    elements[i] = info.bits === 64 && !type.startsWith('float') ? BigInt(value) : Number(value);
  }
  return elements;
}

const MAX_RANK = 64;

function flatten(data: readonly unknown[], flat: unknown[], depth: number, where: string): void {
  if (depth > MAX_RANK) throw badRequest(`${where}.data is nested too deep`);
  for (const value of data) {
    if (Array.isArray(value)) flatten(value, flat, depth + 1, where);
    else flat.push(value);
  }
}

/** Numbers that JSON or the type can not hold exactly are refused, not rounded. */
function fits(type: DType, value: unknown): value is number | boolean {
  if (type === 'bool') return typeof value === 'boolean' || value === 0 || value === 1;
  if (typeof value !== 'number') return false;
  if (type.startsWith('float')) return true;
  const { bits } = dtypeInfo(type);
  const [least, most] = type.startsWith('u')
    ? [0, 2 ** bits]
    : [-(2 ** (bits - 1)), 2 ** (bits - 1)];
  return Number.isSafeInteger(value) && value >= least && value < most;
}
