// Where a manifest comes from: the network first, so that a new version is seen; the stored copy when the
// network does not give a good one soon.
import { manifestParser, type Manifest } from '../manifest/parse.js';
import { Failure } from '../worker/failure.js';
import { fetchFailed, isOffline } from '../worker/source.js';
import { isNode } from './features.js';
import type { ShelfEntry } from './manifest_shelf.js';

// How long the network may take when there is a stored copy.
const NETWORK_MS = 4000;
const HTML_START = /^\s*<(?:!doctype|html|\?xml)/i;

export interface OpenManifest {
  readonly url: string;
  readonly text: string;
  readonly manifest: Manifest;
  // Why it is the stored copy.
  readonly stored?: string;
}

// Rejects with what is wrong with the network's copy when there is no other.
export async function openManifest(
  url: string,
  copy: ShelfEntry | undefined,
  signal?: AbortSignal,
  ms = NETWORK_MS,
): Promise<OpenManifest> {
  // On its way beside the manifest. Browsers may remember that a script did not load.
  if (!isOffline()) manifestParser().catch(() => undefined);
  try {
    const text = await fetchText(url, signal, copy && ms);
    const parse = await manifestParser();
    return { url, text, manifest: parse(text, url) };
  } catch (thrown) {
    signal?.throwIfAborted();
    if (!copy) throw withoutCopy(url, thrown);
    const { text } = copy;
    const parse = await manifestParser();
    return { url, text, manifest: parse(text, url), stored: (thrown as Error).message };
  }
}

function withoutCopy(url: string, thrown: unknown): unknown {
  if (!(thrown instanceof Failure && thrown.code === 'NETWORK_FAILED' && isOffline()))
    return thrown;
  return new Failure('NETWORK_FAILED', `${thrown.message}, and no copy of it is stored`, { url });
}

// NETWORK_FAILED, HTTP_STATUS, NOT_A_MODEL.
async function fetchText(
  url: string,
  signal: AbortSignal | undefined,
  ms: number | undefined,
): Promise<string> {
  if (isNode && url.startsWith('file:')) return readFile(url);
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', abort);
  const late = new Error(`no answer in ${(ms ?? 0) / 1000} s`);
  const timer = ms === undefined ? undefined : setTimeout(() => stop.abort(late), ms);
  try {
    const response = await fetch(url, { cache: 'no-cache', signal: stop.signal });
    if (!response.ok) {
      const status = `${response.status} ${response.statusText}`.trim();
      throw new Failure('HTTP_STATUS', `${url} answered ${status}`, { url });
    }
    const text = await response.text();
    if (!HTML_START.test(text)) return text;
    throw new Failure('NOT_A_MODEL', `${url} is a web page, not a manifest`, { url });
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    throw fetchFailed(url, thrown);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

async function readFile(url: string): Promise<string> {
  const { promises: fs } = process.getBuiltinModule('node:fs');
  return fs.readFile(new URL(url), 'utf8').catch((thrown: unknown) => {
    throw new Failure('NETWORK_FAILED', `can not open ${url}: ${String(thrown)}`, { url });
  });
}
