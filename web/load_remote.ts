// The session of a server, for a load that no route here could serve.
import type { ErrorCode } from '../worker/errors.generated.js';
import { ERRORS } from '../worker/errors.generated.js';
import { asFailure, Failure } from '../worker/failure.js';
import type { PlainSource } from '../worker/protocol.js';
import { probeFeatures } from '../router/features.js';
import { remoteVariant, selfTest } from '../router/self_test.js';
import { REMOTE } from '../router/target.js';
import { allowedRemote } from './allowed_remote.js';
import { announce } from './announce.js';
import { SardonyxError, toSardonyxError } from './errors.js';
import { Launch } from './launch.js';
import type { LoadOptions } from './load.js';
import { canKeep, readManifest } from './load_manifest.js';
import type { Session } from './session.js';
import { isManifest, resolveUrl } from './source.js';

const NOTHING_LOCAL = new Set<ErrorCode>([
  'ROUTES_EXHAUSTED',
  'NO_CANDIDATE',
  'UNSUPPORTED_ENVIRONMENT',
]);

/** Whether a load that fails like this goes on to a server, where one is allowed. */
export function leavesRemote({ code, attempts = [] }: Failure): boolean {
  return NOTHING_LOCAL.has(code) || attempts.length > 0 || ERRORS[code][1] === 'route';
}

/** `local` is why nothing serves here; it is what this rejects with when it is no matter of routes. */
export async function openRemote(
  source: PlainSource,
  options: LoadOptions,
  local: Failure,
): Promise<Session> {
  if (!leavesRemote(local)) throw local;
  const opened = (await isManifest(source)) ? await openManifest(source, options) : undefined;
  const manifest = opened?.manifest;
  const remote = allowedRemote(options, opened);
  if (!remote) throw local;
  const launch = new Launch(options, await probeFeatures(), {
    targets: [REMOTE],
    // What swap() asks for is not here.
    rank: () => {
      throw local;
    },
    versionOf: () => Promise.reject(local),
    sourceOf: () => source,
    selfTest: async (route) => {
      if (manifest) await selfTest(route, manifest, remoteVariant(manifest));
    },
    remote,
    remoteName: manifest?.name ?? nameOfFile(source),
  });
  try {
    const route = await launch.startRemote();
    const why = [`nothing serves here: ${local.message}`, ...REMOTE.why];
    const session = launch.session(route, REMOTE, { why, ...(manifest ? { manifest } : {}) });
    const from = local.attempts?.at(-1)?.route ?? 'local';
    announce(session, 'degrade', { from, why: why[0]!, error: toSardonyxError(local) });
    return session;
  } catch (thrown) {
    launch.release();
    options.signal?.throwIfAborted();
    const remote = asFailure(thrown);
    throw ERRORS[remote.code][1] === 'caller' ? remote : withRemote(local, remote);
  }
}

async function openManifest(source: PlainSource, options: LoadOptions) {
  const keep = (await canKeep(source, options)) === true;
  return readManifest(source, keep, options.signal);
}

function withRemote(local: Failure, remote: Failure): Failure {
  const failure = new Failure('ROUTES_EXHAUSTED', `${local.message}; remote: ${remote.message}`);
  const { code, message } = remote;
  const before = local.attempts ?? [{ route: 'local', code: local.code, message: local.message }];
  failure.attempts = [...before, { route: 'remote', code, message }];
  return failure;
}

/** The last part of a URL without its ending; undefined for bytes. */
export function nameOfFile(source: PlainSource): string | undefined {
  if (!('url' in source)) return undefined;
  const file = new URL(source.url).pathname.split('/').at(-1)!;
  return decodeURIComponent(file).replace(/\.onnx$/, '');
}

/** INVALID_ARGUMENT names the field. */
export function checkRemote(remote: LoadOptions['remote']): void {
  if (remote === undefined || remote === true) return;
  const refuse = (field: string, message: string) => {
    throw new SardonyxError('INVALID_ARGUMENT', `remote.${field} ${message}`, {
      field: `remote.${field}`,
    });
  };
  const { url, model, version, timeoutMs, headers }: Record<string, unknown> = { ...remote };
  if (typeof url !== 'string' && !(url instanceof URL)) refuse('url', 'must be a URL');
  const { protocol } = new URL(resolveUrl(url as string, 'remote.url'));
  if (protocol !== 'http:' && protocol !== 'https:') refuse('url', 'must be http: or https:');
  if (model !== undefined && typeof model !== 'string') refuse('model', 'must be a string');
  if (version !== undefined && typeof version !== 'string') refuse('version', 'must be a string');
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0)) {
    refuse('timeoutMs', 'must be a number above 0');
  }
  try {
    new Headers((headers ?? {}) as Record<string, string>);
  } catch (thrown) {
    refuse('headers', `can not be sent: ${String(thrown)}`);
  }
}
