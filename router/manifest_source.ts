// Where the text of a manifest comes from.
import { Failure } from '../worker/failure.js';
import { isNode } from './features.js';

const HTML_START = /^\s*<(?:!doctype|html|\?xml)/i;

// NETWORK_FAILED, HTTP_STATUS, NOT_A_MODEL.
export async function fetchManifest(url: string, signal?: AbortSignal): Promise<string> {
  if (isNode && url.startsWith('file:')) return readFile(url);
  const response = await fetch(url, { cache: 'no-cache', ...(signal ? { signal } : {}) }).catch(
    (thrown: unknown) => {
      throw new Failure('NETWORK_FAILED', `can not fetch ${url}: ${String(thrown)}`, { url });
    },
  );
  if (!response.ok) {
    const status = `${response.status} ${response.statusText}`.trim();
    throw new Failure('HTTP_STATUS', `${url} answered ${status}`, { url });
  }
  const text = await response.text().catch((thrown: unknown) => {
    throw new Failure('NETWORK_FAILED', `reading ${url} stopped: ${String(thrown)}`, { url });
  });
  if (HTML_START.test(text)) {
    throw new Failure('NOT_A_MODEL', `${url} is a web page, not a manifest`, { url });
  }
  return text;
}

async function readFile(url: string): Promise<string> {
  const { promises: fs } = process.getBuiltinModule('node:fs');
  return fs.readFile(new URL(url), 'utf8').catch((thrown: unknown) => {
    throw new Failure('NETWORK_FAILED', `can not open ${url}: ${String(thrown)}`, { url });
  });
}
