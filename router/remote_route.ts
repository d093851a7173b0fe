// A route that asks a server: the Open Inference Protocol v2 over HTTP, with binary tensor data.
import {
  arrayLength,
  byteLength,
  dtypeInfo,
  elementCount,
  type TypedArray,
} from '../worker/dtypes.js';
import { Failure } from '../worker/failure.js';
import type { ModelDescription, Plan, Slot, ValueInfo, WireTensor } from '../worker/protocol.js';
import { datatypeOf, dtypeOf } from './oip_datatypes.js';
import type { Feed, Route, RoutePlacement } from './route.js';

export interface RemoteSetup {
  readonly url: string;
  readonly model: string;
  readonly version?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

type Json = Readonly<Record<string, unknown>>;

const HEADER_LENGTH = 'Inference-Header-Content-Length';
const MAX_RANK = 64;
const PLAN: Plan = { steps: [], arenaBytes: 0, memoryBytes: 0 };

export class RemoteRoute implements Route {
  readonly model: ModelDescription;
  readonly file = undefined;
  readonly threads = 0;
  readonly memoryBytes = 0;
  readonly placement: RoutePlacement;
  closed = false;
  readonly #server: Server;
  #running: AbortController | undefined;

  // REMOTE_FAILED, REMOTE_TIMEOUT, REMOTE_INVALID, or signal.reason.
  static async start(setup: RemoteSetup, signal?: AbortSignal): Promise<RemoteRoute> {
    const server = new Server(setup);
    const { text } = await server.ask('', {}, signal);
    return new RemoteRoute(server, readModel(server, text));
  }

  private constructor(server: Server, model: ModelDescription) {
    this.#server = server;
    this.model = model;
    this.placement = { device: 'remote', why: [`asks ${server.url}`] };
  }

  async run(
    feeds: readonly Feed[],
    outputs: readonly number[],
  ): Promise<readonly WireTensor[] | undefined> {
    const stop = new AbortController();
    this.#running = stop;
    try {
      const { body, headers } = this.#request(feeds, outputs);
      const answer = await this.#server.ask(
        '/infer',
        { method: 'POST', headers, body },
        stop.signal,
      );
      return this.#results(answer, outputs);
    } catch (thrown) {
      if (stop.signal.aborted) return undefined;
      throw thrown;
    } finally {
      if (this.#running === stop) this.#running = undefined;
    }
  }

  cancel(): void {
    this.#running?.abort();
  }

  profile(): Promise<never> {
    const failure = new Failure(
      'INVALID_ARGUMENT',
      'profile() times steps on the CPU of this machine; a server computes',
    );
    return Promise.reject(failure);
  }

  explain(): Promise<Plan> {
    return Promise.resolve(PLAN);
  }

  fed(): Uint8Array | undefined {
    return undefined;
  }

  lend(): Slot | undefined {
    return undefined;
  }

  takeBack(): void {
    // Nothing is lent.
  }

  recall(): void {
    // Nothing is lent.
  }

  dispose(): Promise<void> {
    this.closed = true;
    this.cancel();
    return Promise.resolve();
  }

  // The Blob has a copy of the feeds when this returns.
  #request(feeds: readonly Feed[], outputs: readonly number[]) {
    const list = feeds.find(({ type, packed }) => packed && type !== 'string');
    if (list) {
      const name = this.model.inputs[list.input]!.name;
      throw this.#server.wrong(
        `sequences and optionals, as input ${name} is, do not go to a server`,
      );
    }
    const parts = feeds.map(({ data }) => toBytes(data as TypedArray));
    const head = JSON.stringify({
      parameters: { binary_data_output: true },
      inputs: feeds.map(({ input, type, shape }, i) => ({
        name: this.model.inputs[input]!.name,
        datatype: datatypeOf(type),
        shape,
        parameters: { binary_data_size: parts[i]!.length },
      })),
      outputs: outputs.map((output) => ({
        name: this.model.outputs[output]!.name,
        parameters: { binary_data: true },
      })),
    });
    const text = new TextEncoder().encode(head);
    return {
      body: new Blob([text, ...parts]),
      headers: {
        'Content-Type': 'application/octet-stream',
        [HEADER_LENGTH]: String(text.length),
      },
    };
  }

  #results({ text, binary }: Answer, wanted: readonly number[]): WireTensor[] {
    const { outputs } = parse(this.#server, text);
    if (!Array.isArray(outputs)) throw this.#server.wrong('its answer has no outputs');
    const found = new Map<string, Omit<WireTensor, 'output'>>();
    let at = 0;
    for (const value of outputs as unknown[]) {
      const output = toObject(value);
      const { name, parameters } = output;
      const size = toObject(parameters).binary_data_size;
      if (!Number.isSafeInteger(size) || (size as number) < 0) {
        throw this.#server.wrong(`output ${String(name)} does not come as binary data`);
      }
      const bytes = binary.slice(at, at + (size as number));
      at += bytes.length;
      found.set(String(name), this.#tensor(output, bytes));
    }
    return wanted.map((output) => {
      const { name, type } = this.model.outputs[output]!;
      const tensor = found.get(name);
      if (tensor?.type === type) return { output, ...tensor };
      throw this.#server.wrong(
        `output ${name} is ${tensor ? tensor.type : 'missing'}, not ${type}`,
      );
    });
  }

  #tensor({ name, datatype, shape }: Json, bytes: Uint8Array<ArrayBuffer>) {
    const type = dtypeOf(String(datatype));
    if (!type || !isShape(shape)) {
      const form = `${String(datatype)} [${String(shape)}]`;
      throw this.#server.wrong(`output ${String(name)} is ${form}`);
    }
    if (type === 'string') return { type, shape, data: bytes };
    const info = dtypeInfo(type);
    const count = elementCount(shape);
    if (bytes.length !== byteLength(info, count)) {
      const fact = `has ${bytes.length} bytes, ${type} [${shape.join(', ')}] takes others`;
      throw this.#server.wrong(`output ${String(name)} ${fact}`);
    }
    return { type, shape, data: new info.array(bytes.buffer, 0, arrayLength(info, count)) };
  }
}

const isShape = (shape: unknown): shape is number[] =>
  Array.isArray(shape) &&
  shape.length <= MAX_RANK &&
  shape.every((dim) => Number.isSafeInteger(dim) && (dim as number) >= 0);

// A Blob refuses shared memory.
function toBytes({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice();
}

function toObject(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function parse(server: Server, text: string): Json {
  try {
    return toObject(JSON.parse(text));
  } catch {
    throw server.wrong('its answer is not JSON');
  }
}

function readModel(server: Server, text: string): ModelDescription {
  const described = parse(server, text);
  const values = (side: 'inputs' | 'outputs') => {
    const list = described[side];
    if (!Array.isArray(list) || list.length === 0) throw server.wrong(`it names no ${side}`);
    return list.map((value: unknown): ValueInfo => {
      const { name, datatype, shape } = toObject(value);
      const type = dtypeOf(String(datatype));
      if (typeof name !== 'string' || !type || !Array.isArray(shape) || shape.length > MAX_RANK) {
        throw server.wrong(`${String(name)} in ${side} is ${String(datatype)}`);
      }
      const dims = shape.map((dim) => (Number.isSafeInteger(dim) && dim >= 0 ? Number(dim) : null));
      return { name, kind: 'tensor', type, shape: dims, optional: false };
    });
  };
  const [inputs, outputs] = [values('inputs'), values('outputs')];
  return {
    inputs,
    outputs,
    warnings: [],
    irVersion: 0,
    opsets: {},
    operators: {},
    weightBytes: 0,
    packedBytes: 0,
  };
}

interface Answer {
  readonly text: string;
  readonly binary: Uint8Array<ArrayBuffer>;
}

class Server {
  readonly url: string;
  readonly #headers: RemoteSetup['headers'];
  readonly #timeoutMs: number;

  constructor({ url, model, version, headers, timeoutMs }: RemoteSetup) {
    const versions = version === undefined ? '' : `/versions/${encodeURIComponent(version)}`;
    this.url = `${url.replace(/\/+$/, '')}/v2/models/${encodeURIComponent(model)}${versions}`;
    this.#headers = headers;
    this.#timeoutMs = timeoutMs;
  }

  wrong(message: string): Failure {
    return new Failure('REMOTE_INVALID', `${this.url}: ${message}`, { url: this.url });
  }

  async ask(path: string, init: RequestInit, signal?: AbortSignal): Promise<Answer> {
    const url = this.url + path;
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    const late = new Failure('REMOTE_TIMEOUT', `${url} gave no answer in ${this.#timeoutMs} ms`, {
      url,
    });
    const timer = setTimeout(() => stop.abort(late), this.#timeoutMs);
    try {
      const headers = { ...this.#headers, ...(init.headers as Record<string, string> | undefined) };
      const response = await fetch(url, { ...init, headers, signal: stop.signal });
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (response.ok) return this.#split(bytes, response.headers.get(HEADER_LENGTH));
      throw new Failure('REMOTE_FAILED', `${url} answered ${response.status}: ${reasonOf(bytes)}`, {
        url,
      });
    } catch (thrown) {
      signal?.throwIfAborted();
      if (thrown instanceof Failure) throw thrown;
      if (stop.signal.reason === late) throw late;
      throw new Failure('REMOTE_FAILED', `can not ask ${url}: ${String(thrown)}`, { url });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  #split(bytes: Uint8Array<ArrayBuffer>, header: string | null): Answer {
    const length = header === null ? bytes.length : Number(header);
    if (!Number.isSafeInteger(length) || length < 0 || length > bytes.length) {
      throw this.wrong(`${HEADER_LENGTH} is ${header}, its answer has ${bytes.length} bytes`);
    }
    const text = new TextDecoder().decode(bytes.subarray(0, length));
    return { text, binary: bytes.subarray(length) };
  }
}

// What the server says of an error, at most a line of it.
function reasonOf(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(0, 4096));
  try {
    const { error } = toObject(JSON.parse(text));
    if (typeof error === 'string') return error.slice(0, 500);
  } catch {
    // Not of the protocol.
  }
  return text.slice(0, 100);
}
