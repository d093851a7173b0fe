// What the caller gives -> what a worker can read, again too when it has to start over.
import type { PlainSource } from '../worker/protocol.js';
import { turn } from '../worker/turn.js';
import { SardonyxError } from './errors.js';

/** An .onnx file or a manifest (*.sardonyx.json): its URL, its bytes, or a Blob or File of it. */
export type Source = string | URL | ArrayBuffer | Uint8Array | Blob;

/** `copy`: bytes are kept as a Blob, outside the heap of the page and safe from later changes. */
export async function toWireSource(
  source: Source,
  copy: boolean,
  field: string,
): Promise<PlainSource> {
  if (typeof source === 'string' || source instanceof URL) {
    return { url: resolveUrl(source, field) };
  }
  if (source instanceof Blob) return { blob: source };
  const bytes = source instanceof ArrayBuffer || isShared(source) ? new Uint8Array(source) : source;
  if (!(bytes instanceof Uint8Array)) {
    throw new SardonyxError(
      'INVALID_ARGUMENT',
      `${field} must be a URL, ArrayBuffer, Uint8Array, Blob or File`,
      { field },
    );
  }
  if (!copy) return { bytes };
  return { blob: await copyToBlob(bytes) };
}

/** By the name of a URL, by the first letter of contents: no .onnx file starts with a brace. */
export async function isManifest(source: PlainSource): Promise<boolean> {
  if ('url' in source) return new URL(source.url).pathname.endsWith('.json');
  const head =
    'blob' in source
      ? new Uint8Array(await source.blob.slice(0, 64).arrayBuffer())
      : source.bytes.slice(0, 64);
  return new TextDecoder().decode(head).trimStart().startsWith('{');
}

const PART_BYTES = 1 << 22;

// Copying 100 MB at once would block the page for 100 ms and more.
async function copyToBlob(bytes: Uint8Array): Promise<Blob> {
  const parts: Blob[] = [];
  for (let start = 0; start < bytes.length; start += PART_BYTES) {
    if (start > 0) await turn();
    const part = bytes.subarray(start, start + PART_BYTES);
    // Blob refuses shared memory.
    const plain = part.buffer instanceof ArrayBuffer ? part : part.slice();
    parts.push(new Blob([plain as Uint8Array<ArrayBuffer>]));
  }
  return new Blob(parts);
}

const isShared = (source: unknown): source is SharedArrayBuffer =>
  typeof SharedArrayBuffer === 'function' && source instanceof SharedArrayBuffer;

export function resolveUrl(url: string | URL, field: string): string {
  try {
    return new URL(url, baseUrl()).href;
  } catch {
    throw new SardonyxError('INVALID_ARGUMENT', `${field} is not a URL: ${String(url)}`, { field });
  }
}

function baseUrl(): string {
  if (typeof document === 'object') return document.baseURI;
  if (typeof location === 'object') return location.href;
  const { pathToFileURL } = process.getBuiltinModule('node:url');
  return pathToFileURL(`${process.cwd()}/`).href;
}
