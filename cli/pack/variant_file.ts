// One .onnx file of the folder: what the manifest says of it, and its session.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Chunks, Precision, Variant } from '../../manifest/parse.js';
import { load, SardonyxError, type Session } from '../../web/index.js';
import { MalformedError } from '../protobuf.js';
import { findPrecision } from './precision.js';

const CHUNK_BYTES = 1 << 20;

export interface VariantFile {
  readonly path: string;
  readonly variant: Variant;
  readonly session: Session;
}

/** `earlier`: what the manifest that is replaced says of the file. */
export async function openVariant(
  path: string,
  out: string,
  forced: Precision | undefined,
  earlier: readonly Variant[],
): Promise<VariantFile> {
  const bytes = await readFile(path).catch((thrown: unknown) => {
    throw new SardonyxError('INVALID_ARGUMENT', `can not read ${path}: ${String(thrown)}`);
  });
  const url = urlFrom(out, path);
  const known = earlier.find((variant) => variant.url === url);
  const session = await load(pathToFileURL(path)).catch((thrown: unknown) => {
    if (!(thrown instanceof SardonyxError)) throw thrown;
    throw new SardonyxError(thrown.code, `${path}: ${thrown.message}`, thrown.where);
  });
  try {
    const { model } = await session.explain();
    const precision = forced ?? known?.precision ?? precisionOf(path, bytes);
    const devices = known?.devices ?? (precision.startsWith('int') ? ['cpu'] : ['webgpu', 'cpu']);
    const variant: Variant = {
      name: known?.name ?? precision,
      url,
      bytes: bytes.length,
      sha256: sha256Of(bytes),
      ...(bytes.length > CHUNK_BYTES ? { chunks: chunksOf(bytes) } : {}),
      precision,
      devices,
      opset: model.opsets['']!,
    };
    return { path, variant, session };
  } catch (thrown) {
    await session.dispose();
    throw thrown;
  }
}

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const chunksOf = (bytes: Uint8Array): Chunks => ({
  bytes: CHUNK_BYTES,
  sha256: Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, i) =>
    sha256Of(bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)),
  ),
});

function precisionOf(path: string, bytes: Uint8Array): Precision {
  try {
    return findPrecision(bytes);
  } catch (thrown) {
    if (!(thrown instanceof MalformedError)) throw thrown;
    throw new SardonyxError('MODEL_MALFORMED', `${path} is no ONNX model: ${thrown.message}`);
  }
}

const urlFrom = (out: string, path: string) =>
  relative(dirname(out), path).split(sep).map(encodeURIComponent).join('/');

/** Variants of one precision are told apart by their files. */
export function nameEach(files: readonly VariantFile[]): VariantFile[] {
  return files.map((file) => {
    const { name } = file.variant;
    if (files.filter((other) => other.variant.name === name).length === 1) return file;
    return {
      ...file,
      variant: { ...file.variant, name: identifier(basename(file.path, '.onnx')) },
    };
  });
}

/** Text as the schema has names. */
export const identifier = (text: string) =>
  text.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'model';
