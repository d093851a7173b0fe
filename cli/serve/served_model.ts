// One model of the server: loaded when it is first needed, by one session for all requests.
import type { Manifest } from '../../manifest/parse.js';
import {
  load,
  SardonyxError,
  type LoadOptions,
  type RunOptions,
  type Session,
} from '../../web/index.js';
import { datatypeOf } from '../../router/oip_datatypes.js';
import { HttpProblem } from './http_problem.js';
import type { InferRequest } from './infer_request.js';
import { writeResponse, type InferResponse } from './infer_response.js';

export class ServedModel {
  readonly name: string;
  readonly version: string;
  readonly #url: URL;
  readonly #options: LoadOptions;
  readonly #manifest: Manifest | undefined;
  #opening: Promise<Session> | undefined;
  #loaded = false;

  constructor(
    about: { name: string; version: string; url: URL; manifest?: Manifest },
    options: LoadOptions,
  ) {
    this.name = about.name;
    this.version = about.version;
    this.#url = about.url;
    this.#manifest = about.manifest;
    this.#options = options;
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  /** 503 when it can not be loaded; the next call tries again. */
  async session(): Promise<Session> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<Session> {
    try {
      const session = await load(this.#url, this.#options);
      this.#loaded = true;
      return session;
    } catch (thrown) {
      this.#opening = undefined;
      const { code, message, remedy } =
        thrown instanceof SardonyxError ? thrown : new SardonyxError('INTERNAL', String(thrown));
      throw new HttpProblem(503, code, `${this.name} can not be loaded: ${message}`, remedy);
    }
  }

  async metadata(versions: readonly string[]): Promise<unknown> {
    const values = this.#manifest ?? (await this.session());
    const describe = (value: Described) => ({
      name: value.name,
      datatype: datatypeOf('dtype' in value ? value.dtype : value.type),
      shape: (value.shape ?? []).map((dim) => (typeof dim === 'number' ? dim : -1)),
    });
    return {
      name: this.name,
      versions,
      platform: 'onnx_sardonyx',
      inputs: values.inputs.map(describe),
      outputs: values.outputs.map(describe),
    };
  }

  async infer(request: InferRequest, options: RunOptions): Promise<InferResponse> {
    const session = await this.session();
    const { feeds, wanted } = request;
    const outputs = wanted ? { outputs: wanted } : {};
    const results = await session.run(feeds, { ...options, ...outputs, transfer: true });
    return writeResponse(this, request, results);
  }

  async dispose(): Promise<void> {
    const session = await this.#opening?.catch(() => undefined);
    await session?.dispose();
    this.#loaded = false;
  }
}

type Described =
  Manifest['inputs'][number] | Manifest['outputs'][number] | Session['inputs'][number];
