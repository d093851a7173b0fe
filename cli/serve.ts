// sardonyx serve: a folder of models over HTTP.
import type { AddressInfo } from 'node:net';
import { SardonyxError } from '../web/index.js';
import { optionalText, UsageError, wholeNumber, type Arguments, type Command } from './command.js';
import { InferenceServer } from './serve/http_server.js';
import { findModels } from './serve/model_folder.js';

const DEFAULT_PORT = 8000;
const DEFAULT_BODY_MIB = 64;
const DEFAULT_TIMEOUT_MS = 60_000;
const DRAIN_MS = 10_000;

function portOf(given: Arguments): number {
  const port = optionalText(given, 'port') ?? String(DEFAULT_PORT);
  if (/^\d{1,5}$/.test(port) && Number(port) < 65536) return Number(port);
  throw new UsageError(`--port is a number up to 65535, not ${port}`);
}

function originOf(given: Arguments): string | undefined {
  const origin = optionalText(given, 'cors');
  if (origin === undefined || origin === '*') return origin;
  if (URL.canParse(origin) && new URL(origin).origin === origin) return origin;
  throw new UsageError(`--cors is an origin like https://example.org, or *, not ${origin}`);
}

async function listen(server: InferenceServer, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.http.once('error', reject);
    server.http.listen(port, host, resolve);
  }).catch((thrown: unknown) => {
    throw new SardonyxError('INVALID_ARGUMENT', `can not listen: ${String(thrown)}`, {
      field: 'port',
    });
  });
  const { address, port: taken, family } = server.http.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`;
}

const stopSignal = () =>
  new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve());
  });

export const serveCommand: Command = {
  usage:
    'serve --models DIR [--host ADDRESS] [--port N] [--cors ORIGIN] [--threads N]\n' +
    '             [--max-body MIB] [--timeout MS] [--queue N] [--json]',
  summary: 'Serve the models of a folder by the Open Inference Protocol v2, with binary tensors',
  help: `  --models DIR     manifests, and .onnx files that none names; there and one folder below
  --host ADDRESS   default 127.0.0.1: this machine only
  --port N         default ${DEFAULT_PORT}; 0 takes any that is free
  --cors ORIGIN    pages of this origin may ask; * for all. Default: none
  --threads N      at most so many threads for each model
  --max-body MIB   largest request, default ${DEFAULT_BODY_MIB}
  --timeout MS     of one inference, waiting included, default ${DEFAULT_TIMEOUT_MS}
  --queue N        inferences that may wait for one model, default 64
  --json           the final report as JSON

A model is loaded when it is first needed. SIGINT and SIGTERM stop the server: what is under way gets
${DRAIN_MS / 1000} seconds to end.`,
  options: {
    models: { type: 'string' },
    host: { type: 'string' },
    port: { type: 'string' },
    cors: { type: 'string' },
    threads: { type: 'string' },
    'max-body': { type: 'string' },
    timeout: { type: 'string' },
    queue: { type: 'string' },
  },
  async run(given) {
    const folder = optionalText(given, 'models');
    if (folder === undefined) throw new UsageError('--models is missing');
    if (given.positionals.length > 0) throw new UsageError('serve takes no file, only --models');
    const threads = wholeNumber(given, 'threads');
    const queueLimit = wholeNumber(given, 'queue');
    const options = {
      maxBodyBytes: (wholeNumber(given, 'max-body') ?? DEFAULT_BODY_MIB) * 2 ** 20,
      timeoutMs: wholeNumber(given, 'timeout') ?? DEFAULT_TIMEOUT_MS,
      cors: originOf(given),
    };
    const port = portOf(given);
    const models = await findModels(folder, {
      ...(threads ? { force: { threads } } : {}),
      ...(queueLimit ? { queueLimit } : {}),
    });
    const server = new InferenceServer(models, options);
    const stopped = stopSignal();
    const url = await listen(server, optionalText(given, 'host') ?? '127.0.0.1', port);
    process.stderr.write(`serving ${[...models.keys()].join(', ')} at ${url}\n`);
    await stopped;
    await server.stop(DRAIN_MS);
    const { responses } = server.metrics;
    return { text: `stopped after ${responses} answers\n`, json: { url, responses } };
  },
};
