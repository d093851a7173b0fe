// onnxruntime-web's InferenceSession on top of load().
import type { ValueInfo } from '../../worker/protocol.js';
import type { RouteFilter } from '../../router/choose.js';
import { load, type LoadOptions } from '../load.js';
import type { Session } from '../session.js';
import { resolveUrl, type Source } from '../source.js';
import { Tensor as EngineTensor, type AnyTensor } from '../tensor.js';
import type { Value } from '../values.js';
import { readCreateArguments, readRunArguments } from './arguments.js';
import { env } from './env.js';
import { Tensor, type Type } from './tensor.js';

export type OnnxValueMap = Readonly<Record<string, Tensor>>;
export type Fetches = readonly string[] | Readonly<Record<string, Tensor | null>>;

export interface SessionOptions {
  /** 'wasm' and 'cpu' run; others are passed over as onnxruntime-web does with absent backends. */
  executionProviders?: readonly (string | { readonly name: string })[];
  externalData?: readonly (
    string | { readonly path: string; readonly data: string | Uint8Array | ArrayBufferLike | Blob }
  )[];
  // The other options of onnxruntime-web are accepted and have no effect.
  [name: string]: unknown;
}

export interface RunOptions {
  /** Ends the run; it rejects with signal.reason. Not in onnxruntime-web. */
  signal?: AbortSignal;
  [name: string]: unknown;
}

export interface ValueMetadata {
  readonly name: string;
  readonly isTensor: true;
  readonly type: Type;
  readonly shape: readonly (number | string)[];
}

const PROVIDERS = ['wasm', 'cpu'];

export class InferenceSession {
  readonly #session: Session;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];

  private constructor(session: Session) {
    this.#session = session;
    this.inputNames = session.inputs.map(({ name }) => name);
    this.outputNames = session.outputs.map(({ name }) => name);
    this.inputMetadata = session.inputs.map(metadata);
    this.outputMetadata = session.outputs.map(metadata);
  }

  static create(
    model: string | ArrayBufferLike | Uint8Array,
    options?: SessionOptions,
  ): Promise<InferenceSession>;
  static create(
    buffer: ArrayBufferLike,
    byteOffset: number,
    byteLength?: number,
    options?: SessionOptions,
  ): Promise<InferenceSession>;
  static async create(
    model: string | ArrayBufferLike | Uint8Array,
    ...rest: unknown[]
  ): Promise<InferenceSession> {
    const { source, options } = readCreateArguments(model, rest);
    checkProviders(options.executionProviders);
    const base = typeof source === 'string' ? resolveUrl(source, 'path') : undefined;
    return new InferenceSession(await load(source, loadOptions(options, base)));
  }

  run(feeds: OnnxValueMap, options?: RunOptions): Promise<Record<string, Tensor>>;
  run(feeds: OnnxValueMap, fetches: Fetches, options?: RunOptions): Promise<Record<string, Tensor>>;
  async run(feeds: OnnxValueMap, ...rest: unknown[]): Promise<Record<string, Tensor>> {
    const { fetches, options } = readRunArguments(this, feeds, rest);
    const tensors = Object.fromEntries(
      Object.entries(feeds).map(([name, feed]) => [name, toEngine(feed)]),
    );
    const { signal } = options;
    const results = await this.#session.run<Value>(tensors, {
      outputs: Object.keys(fetches),
      ...(signal ? { signal } : {}),
    });
    return Object.fromEntries(
      Object.entries(results).map(([name, result]) => [
        name,
        fromEngine(name, result, fetches[name]),
      ]),
    );
  }

  release(): Promise<void> {
    return this.#session.dispose();
  }
}

function metadata({ name, type, shape }: ValueInfo): ValueMetadata {
  return { name, isTensor: true, type: type as Type, shape: (shape ?? []).map((dim) => dim ?? '') };
}

function checkProviders(providers: SessionOptions['executionProviders']): void {
  const names = (providers ?? []).map((one) => (typeof one === 'string' ? one : one.name));
  if (names.length === 0 || names.some((name) => PROVIDERS.includes(name))) return;
  throw new Error(`no available backend found. Asked for: ${names.join(', ')}.`);
}

function loadOptions(options: SessionOptions, base: string | undefined): LoadOptions {
  const { numThreads, simd } = env.wasm;
  const force: RouteFilter = {};
  if (numThreads) force.threads = numThreads;
  if (simd === 'relaxed') force.module = 'relaxed';
  else if (simd === 'fixed') force.module = 'simd';
  const { assets } = env.sardonyx;
  return {
    force,
    ...(assets ? { assets } : {}),
    ...(options.externalData ? { externalData: external(options.externalData, base) } : {}),
  };
}

// A path alone lies beside the model.
function external(
  files: NonNullable<SessionOptions['externalData']>,
  base: string | undefined,
): Record<string, Source> {
  const located = (path: string) => (base === undefined ? path : new URL(path, base));
  return Object.fromEntries(
    files.map((file): [string, Source] => {
      if (typeof file === 'string') return [file, located(file)];
      const { path, data } = file;
      if (typeof data === 'string') return [path, located(data)];
      return [path, data as Source];
    }),
  );
}

function toEngine(tensor: Tensor): AnyTensor {
  const { type, data, dims } = tensor;
  const elements = type === 'int4' ? bytesOf(data as Int8Array) : data;
  return new EngineTensor(type, elements, dims);
}

function fromEngine(name: string, value: Value, target: Tensor | null | undefined) {
  if (!(value instanceof EngineTensor)) {
    throw new Error(
      `output ${name} is no tensor: sequences and optionals need the session of sardonyx.`,
    );
  }
  const { type, data, shape } = value;
  const bits = type === 'int4' ? new Int8Array((data as Uint8Array).buffer as ArrayBuffer) : data;
  const result = new Tensor(type as Type, bits, shape);
  if (!target) return result;
  if (target.type !== result.type || target.size !== result.size) {
    throw new Error('a pre-allocated output does not fit the result.');
  }
  if (Array.isArray(target.data)) Object.assign(target.data, result.data);
  else (target.data as Uint8Array).set(result.data as Uint8Array);
  return target;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int8Array) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
