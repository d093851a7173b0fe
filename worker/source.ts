// Opens a model source as a stream of chunks.
import { Failure } from './failure.js';
import type { PlainSource } from './protocol.js';

export interface OpenSource {
  // Undefined when the server does not say, or says the size of a compressed form.
  readonly total: number | undefined;
  // False where `total` may be the size of a compressed form after all: answers from other origins
  // do not tell their encoding.
  readonly exact: boolean;
  // Where in the file the chunks start; undefined for a part that is not told.
  readonly start: number | undefined;
  readonly chunks: () => AsyncIterable<Uint8Array>;
}

// `request` is for URLs.
export async function openSource(source: PlainSource, request?: RequestInit): Promise<OpenSource> {
  if ('bytes' in source) {
    const { bytes } = source;
    return { total: bytes.byteLength, exact: true, start: 0, chunks: () => once(bytes) };
  }
  if ('blob' in source) {
    const { blob } = source;
    const chunks = () => streamChunks(blob.stream(), 'Blob');
    return { total: blob.size, exact: true, start: 0, chunks };
  }
  return source.url.startsWith('file:') ? openFile(source.url) : openUrl(source.url, request);
}

async function* once(bytes: Uint8Array) {
  await Promise.resolve();
  yield bytes;
}

export async function* streamChunks(stream: ReadableStream<Uint8Array>, url: string) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (thrown) {
    throw new Failure('NETWORK_FAILED', `reading ${url} stopped: ${String(thrown)}`, { url });
  } finally {
    // Nothing happens when it has ended.
    void reader.cancel().catch(() => undefined);
  }
}

export const isOffline = () =>
  (globalThis.navigator as Partial<Navigator> | undefined)?.onLine === false;

export function fetchFailed(url: string, thrown: unknown): Failure {
  const why = isOffline() ? 'this device is offline' : String(thrown);
  return new Failure('NETWORK_FAILED', `can not fetch ${url}: ${why}`, { url });
}

async function openUrl(url: string, request?: RequestInit): Promise<OpenSource> {
  const response = await fetch(url, request).catch((thrown: unknown) => {
    throw fetchFailed(url, thrown);
  });
  if (!response.ok) {
    const status = `${response.status} ${response.statusText}`.trim();
    throw new Failure('HTTP_STATUS', `${url} answered ${status}`, { url });
  }
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    void response.body?.cancel();
    throw new Failure('NOT_A_MODEL', `${url} is a web page, not a model`, { url });
  }
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const encoded = response.headers.has('content-encoding');
  const body = response.body;
  return {
    total: encoded || !Number.isFinite(length) ? undefined : length,
    exact: response.type === 'basic',
    start: response.status === 206 ? startOf(response.headers.get('content-range')) : 0,
    chunks: () => (body ? streamChunks(body, url) : once(new Uint8Array(0))),
  };
}

function startOf(contentRange: string | null): number | undefined {
  const start = /^bytes (\d+)-/.exec(contentRange ?? '')?.[1];
  return start === undefined ? undefined : Number(start);
}

// Node only.
async function openFile(url: string): Promise<OpenSource> {
  const { promises: fs } = process.getBuiltinModule('node:fs');
  const handle = await fs.open(new URL(url)).catch((thrown: unknown) => {
    throw new Failure('NETWORK_FAILED', `can not open ${url}: ${String(thrown)}`, { url });
  });
  const { size } = await handle.stat();
  async function* chunks() {
    try {
      const buffer = new Uint8Array(1 << 18);
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }
  return { total: size, exact: true, start: 0, chunks };
}
