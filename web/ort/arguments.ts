// The overloads of InferenceSession.create() and run(), told apart as onnxruntime-web does.
import type { RunOptions, SessionOptions } from './session.js';
import { Tensor } from './tensor.js';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function readOptions(value: unknown): Record<string, unknown> {
  if (value === undefined) return {};
  if (isObject(value)) return value;
  throw new TypeError("'options' must be an object.");
}

const isBuffer = (value: unknown): value is ArrayBuffer =>
  value instanceof ArrayBuffer ||
  (typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer);

export function readCreateArguments(
  model: unknown,
  [first, second, third]: readonly unknown[],
): { source: string | Uint8Array; options: SessionOptions } {
  if (typeof model === 'string' || model instanceof Uint8Array) {
    return { source: model, options: readOptions(first) };
  }
  if (!isBuffer(model)) throw new TypeError("The model must be given as 'path' or 'buffer'.");
  if (typeof first !== 'number') {
    return { source: new Uint8Array(model), options: readOptions(first) };
  }
  if (second !== undefined && typeof second !== 'number') {
    throw new TypeError("'byteLength' must be a number.");
  }
  const length = second ?? model.byteLength - first;
  checkRange('byteOffset', first, 0, model.byteLength - 1);
  checkRange('byteLength', length, 1, model.byteLength - first);
  return { source: new Uint8Array(model, first, length), options: readOptions(third) };
}

function checkRange(name: string, value: number, low: number, high: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`'${name}' must be an integer.`);
  if (value < low || value > high) {
    throw new RangeError(`'${name}' must be in [${low}, ${high}], got: ${value}.`);
  }
}

interface Names {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
}

type FetchMap = Record<string, Tensor | null>;

export function readRunArguments(
  { inputNames, outputNames }: Names,
  feeds: unknown,
  [first, second]: readonly unknown[],
): { fetches: FetchMap; options: RunOptions } {
  if (!isObject(feeds) || feeds instanceof Tensor || Array.isArray(feeds)) {
    throw new TypeError("'feeds' must be an object of tensors by input name.");
  }
  const fetches = readFetches(outputNames, first);
  for (const name of inputNames) {
    if (feeds[name] === undefined) throw new Error(`input '${name}' is missing in 'feeds'.`);
  }
  if (fetches) return { fetches, options: readOptions(second) };
  return {
    fetches: Object.fromEntries(outputNames.map((name) => [name, null])),
    options: readOptions(first),
  };
}

// Undefined when `first` is not 'fetches' but 'options', or absent.
function readFetches(outputNames: readonly string[], first: unknown): FetchMap | undefined {
  if (first === undefined) return undefined;
  if (!isObject(first)) throw new TypeError("The second argument must be 'fetches' or 'options'.");
  if (first instanceof Tensor) throw new TypeError("'fetches' can not be a Tensor.");
  if (Array.isArray(first)) return readNames(outputNames, first);
  const given = outputNames
    .filter((name) => first[name] === null || first[name] instanceof Tensor)
    .map((name): [string, Tensor | null] => [name, first[name] as Tensor | null]);
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}

function readNames(outputNames: readonly string[], names: readonly unknown[]): FetchMap {
  if (names.length === 0) throw new TypeError("'fetches' can not be an empty array.");
  return Object.fromEntries(
    names.map((name): [string, null] => {
      if (typeof name !== 'string') {
        throw new TypeError("'fetches' must be a string array or an object.");
      }
      if (outputNames.includes(name)) return [name, null];
      throw new RangeError(`'fetches' contains an unknown output name: ${name}.`);
    }),
  );
}
