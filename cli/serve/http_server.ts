// The Open Inference Protocol v2 over HTTP: github.com/kserve/open-inference-protocol.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { RunOptions } from '../../web/index.js';
import { VERSION } from '../version.js';
import { asHttpProblem, badRequest, HttpProblem } from './http_problem.js';
import { readRequest } from './infer_request.js';
import type { InferResponse } from './infer_response.js';
import { Metrics } from './metrics.js';
import type { Models } from './model_folder.js';
import type { ServedModel } from './served_model.js';

export interface ServerOptions {
  readonly maxBodyBytes: number;
  /** Of one inference, waiting included. */
  readonly timeoutMs: number;
  /** Pages of this origin may ask; '*': all. */
  readonly cors?: string | undefined;
}

const HEADER_LENGTH = 'Inference-Header-Content-Length';

interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

const json = (value: unknown, status = 200): Answer => ({ status, body: JSON.stringify(value) });

const notFound = (what: string) => new HttpProblem(404, 'NOT_FOUND', `there is no ${what} here`);

export class InferenceServer {
  readonly http: Server;
  readonly metrics = new Metrics();
  readonly #models: Models;
  readonly #options: ServerOptions;
  #stopping = false;

  constructor(models: Models, options: ServerOptions) {
    this.#models = models;
    this.#options = options;
    this.http = createServer((request, response) => void this.#serve(request, response));
  }

  /** What is under way gets `drainMs`; then the connections are cut. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    const closed = new Promise<void>((resolve) => this.http.close(() => resolve()));
    this.http.closeIdleConnections();
    const timer = setTimeout(() => this.http.closeAllConnections(), drainMs);
    await closed;
    clearTimeout(timer);
    await Promise.all(this.#all().map((model) => model.dispose()));
  }

  #all(): ServedModel[] {
    return [...this.#models.values()].flatMap((versions) => [...versions.values()]);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort(new Error('the client went away')));
    response.on('error', () => undefined);
    let answer: Answer;
    try {
      answer = await this.#answer(request, gone.signal);
    } catch (thrown) {
      const { status, code, message, remedy } = asHttpProblem(thrown);
      answer = json({ error: message, code, remedy }, status);
    }
    const { status = 200, type = 'application/json', headers = {}, body = '' } = answer;
    if (gone.signal.aborted) return;
    this.metrics.answered(status);
    const bytes = Buffer.from(body as Buffer);
    // What was not read of a body would be taken for the next request.
    const last = this.#stopping || (hasBody(request) && !request.complete);
    response.writeHead(status, {
      'Content-Type': type,
      'Content-Length': bytes.length,
      'X-Content-Type-Options': 'nosniff',
      ...this.#corsHeaders(),
      ...(last ? { Connection: 'close' } : {}),
      ...headers,
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  #corsHeaders(): Record<string, string> {
    const { cors } = this.#options;
    if (cors === undefined) return {};
    return {
      'Access-Control-Allow-Origin': cors,
      'Access-Control-Expose-Headers': HEADER_LENGTH,
      'Cross-Origin-Resource-Policy': 'cross-origin',
      Vary: 'Origin',
    };
  }

  async #answer(request: IncomingMessage, gone: AbortSignal): Promise<Answer> {
    const { method = '', url = '' } = request;
    if (method === 'OPTIONS' && this.#options.cors !== undefined) return preflight;
    const path = decodePath(url);
    const isInfer = path[1] === 'models' && path.at(-1) === 'infer';
    const allowed = isInfer ? ['POST'] : ['GET', 'HEAD'];
    if (!allowed.includes(method)) {
      const message = `${method} is not for this path, ${allowed.join(' and ')} is`;
      throw new HttpProblem(405, 'METHOD_NOT_ALLOWED', message);
    }
    if (path.length === 1 && path[0] === 'metrics') {
      const loaded = this.#all().filter((model) => model.loaded).length;
      return { type: 'text/plain; version=0.0.4', body: this.metrics.text(loaded) };
    }
    if (path[0] !== 'v2') throw notFound(`/${path.join('/')}`);
    return path[1] === 'models' ? this.#model(path.slice(2), request, gone) : about(path.slice(1));
  }

  /** `path` is what follows /v2/models/. */
  async #model(path: readonly string[], request: IncomingMessage, gone: AbortSignal) {
    const [name, ...rest] = path;
    const versions = this.#models.get(name ?? '');
    if (!versions) throw notFound(`model ${name ?? ''}`);
    const versioned = rest[0] === 'versions';
    const model = versioned ? versions.get(rest[1] ?? '') : [...versions.values()].at(-1);
    if (!model) throw notFound(`version ${rest[1] ?? ''} of ${name}`);
    const action = versioned ? rest.slice(2) : rest;
    switch (action.join('/')) {
      case '':
        return json(await model.metadata([...versions.keys()]));
      case 'ready':
        await model.session();
        return json({ name, ready: true });
      case 'infer':
        return this.#infer(model, request, gone);
      default:
        throw notFound(`/v2/models/${path.join('/')}`);
    }
  }

  async #infer(model: ServedModel, request: IncomingMessage, gone: AbortSignal): Promise<Answer> {
    const { maxBodyBytes, timeoutMs } = this.#options;
    try {
      const encoding = request.headers['content-encoding'] ?? 'identity';
      if (encoding !== 'identity') {
        throw new HttpProblem(415, 'ENCODING', `the body must not be compressed (${encoding})`);
      }
      const body = await readBody(request, maxBodyBytes);
      const answer = await this.#run(model, request, body, { signal: gone, timeoutMs });
      if (answer.headerLength === undefined) return { body: answer.body };
      const headers = { [HEADER_LENGTH]: String(answer.headerLength) };
      return { type: 'application/octet-stream', headers, body: answer.body };
    } catch (thrown) {
      const problem = asHttpProblem(thrown);
      if (!gone.aborted) this.metrics.failed(model.name, model.version, problem.code);
      throw problem;
    }
  }

  async #run(
    model: ServedModel,
    { headers }: IncomingMessage,
    body: Buffer,
    options: RunOptions,
  ): Promise<InferResponse> {
    const start = performance.now();
    this.metrics.running += 1;
    try {
      const headerLength = headers[HEADER_LENGTH.toLowerCase()];
      const parsed = readRequest(body, headerLength?.toString());
      const answer = await model.infer(parsed, options);
      this.metrics.ran(model.name, model.version, (performance.now() - start) / 1000);
      return answer;
    } finally {
      this.metrics.running -= 1;
    }
  }
}

const preflight: Answer = {
  status: 204,
  headers: {
    'Access-Control-Allow-Methods': 'GET, HEAD, POST',
    'Access-Control-Allow-Headers': `Content-Type, Authorization, ${HEADER_LENGTH}`,
    'Access-Control-Max-Age': '600',
  },
};

/** `path` is what follows /v2/. */
function about(path: readonly string[]): Answer {
  switch (path.join('/')) {
    case '':
      return json({ name: 'sardonyx', version: VERSION, extensions: ['binary_tensor_data'] });
    case 'health/live':
      return json({ live: true });
    case 'health/ready':
      return json({ ready: true });
    default:
      throw notFound(`/v2/${path.join('/')}`);
  }
}

function decodePath(url: string): string[] {
  try {
    const [path = ''] = url.split('?');
    return path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    throw badRequest(`the path ${url} is not percent-encoded rightly`);
  }
}

const hasBody = ({ headers }: IncomingMessage) =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = () =>
    new HttpProblem(413, 'BODY_TOO_LARGE', `the body is above the limit of ${limit} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  // Left open, so that the answer can still be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > limit) throw tooLarge();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks, size);
}
