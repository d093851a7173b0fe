// Bytes of a source -> loader -> session. The bytes go into wasm memory chunk by chunk as they come.
import type { Instance } from './abi.js';
import { Failure } from './failure.js';
import type { FedSource } from './fed_source.js';
import { allocate, bytesAt, readString, writeString } from './memory.js';
import {
  VALUE_KINDS,
  type FileReport,
  type LoadProgress,
  type ModelDescription,
  type ModelFile,
  type LoadExtras,
  type PlainSource,
  type ValueInfo,
  type WireSource,
} from './protocol.js';
import { openSource } from './source.js';
import { check, lastError } from './status.js';
import { DamagedCopy, openModelFile } from './storage/model_file.js';

const STAGING_BYTES = 1 << 18;
const HTML_START = /^\s*<(?:!doctype|html|\?xml)/i;

export interface LoadedModel {
  readonly session: number;
  // Of a source that is a file.
  readonly file: FileReport | undefined;
  readonly description: ModelDescription;
}

export type ModelSource = WireSource | { readonly url: string; readonly fed: FedSource };

type OnProgress = (progress: LoadProgress) => void;

export async function loadModel(
  instance: Instance,
  source: ModelSource,
  extras: LoadExtras,
  onProgress: OnProgress,
  forGpu: Promise<boolean> | undefined,
): Promise<LoadedModel> {
  const load = (from: ModelSource) => loadOnce(instance, from, extras, onProgress, forGpu);
  try {
    return await load(source);
  } catch (thrown) {
    if (!(thrown instanceof DamagedCopy && 'file' in source)) throw thrown;
    const loaded = await load({ ...source, keep: thrown.removed });
    const file = loaded.file && { ...loaded.file, replaced: thrown.message };
    return { ...loaded, file };
  }
}

async function loadOnce(
  instance: Instance,
  source: ModelSource,
  extras: LoadExtras,
  onProgress: OnProgress,
  forGpu: Promise<boolean> | undefined,
): Promise<LoadedModel> {
  const loader = instance._sx_loader_create() >>> 0;
  if (loader === 0) throw new Failure('OUT_OF_MEMORY', 'no memory for the loader');
  try {
    const file = await pushModel(instance, loader, source, onProgress);
    for (const [name, data] of Object.entries(extras.external)) {
      await pushExternal(instance, loader, name, data);
    }
    for (const name of extras.fedWeights ?? []) feedWeight(instance, loader, name);
    if (await forGpu) instance._sx_loader_for_gpu(loader);
    onProgress({ phase: 'compile', loaded: 0, total: 1 });
    const session = instance._sx_session_create(loader) >>> 0;
    if (session === 0) throw lastError(instance);
    const description = describe(instance, session);
    onProgress({ phase: 'compile', loaded: 1, total: 1 });
    return { session, description, file };
  } finally {
    instance._sx_loader_destroy(loader);
  }
}

async function pushModel(
  instance: Instance,
  loader: number,
  source: ModelSource,
  onProgress: OnProgress,
): Promise<FileReport | undefined> {
  if ('file' in source) return pushFile(instance, loader, source.file, source.keep, onProgress);
  const { total, exact, chunks } = await ('fed' in source ? source.fed.open() : openSource(source));
  if (exact && total !== undefined) {
    check(instance, instance._sx_loader_expect_size(loader, total));
  }
  const sniffed = 'url' in source ? sniff(chunks(), source.url) : chunks();
  await pushChunks(instance, loader, sniffed, (loaded) =>
    onProgress({ phase: 'download', loaded, ...(total === undefined ? {} : { total }) }),
  );
  return undefined;
}

async function pushFile(
  instance: Instance,
  loader: number,
  file: ModelFile,
  keep: boolean,
  onProgress: OnProgress,
): Promise<FileReport> {
  const reader = await openModelFile(file, keep);
  const phase = reader.from === 'storage' ? 'verify' : 'download';
  const total = file.bytes;
  try {
    check(instance, instance._sx_loader_expect_size(loader, total));
    await pushChunks(instance, loader, reader.chunks(), (loaded) =>
      onProgress({ phase, loaded, total }),
    );
  } catch (thrown) {
    // A wrong file explains whatever the loader says of it.
    await reader.finish();
    throw thrown;
  }
  const report = await reader.finish();
  onProgress({ phase: 'verify', loaded: total, total });
  return report;
}

async function pushChunks(
  instance: Instance,
  loader: number,
  chunks: AsyncIterable<Uint8Array>,
  onLoaded: (bytes: number) => void,
): Promise<void> {
  const staging = allocate(instance, STAGING_BYTES);
  let loaded = 0;
  try {
    for await (const chunk of chunks) {
      for (let start = 0; start < chunk.length; start += STAGING_BYTES) {
        const part = chunk.subarray(start, start + STAGING_BYTES);
        bytesAt(instance, staging, part.length).set(part);
        check(instance, instance._sx_loader_push(loader, staging, part.length));
      }
      loaded += chunk.length;
      onLoaded(loaded);
    }
  } finally {
    instance._sx_free(staging);
  }
}

async function* sniff(chunks: AsyncIterable<Uint8Array>, url: string) {
  let first = true;
  for await (const chunk of chunks) {
    if (first) refuseWebPage(chunk, url);
    first = false;
    yield chunk;
  }
}

function refuseWebPage(chunk: Uint8Array, url: string): void {
  if (!HTML_START.test(String.fromCharCode(...chunk.subarray(0, 64)))) return;
  throw new Failure('NOT_A_MODEL', `${url} is a web page, not a model`, { url });
}

// The whole file goes into one block that the loader takes over.
async function pushExternal(
  instance: Instance,
  loader: number,
  name: string,
  source: PlainSource,
): Promise<void> {
  const { total: announced, exact, chunks } = await openSource(source);
  const total = exact ? announced : undefined;
  const parts: Uint8Array[] = [];
  let size = 0;
  let data = total === undefined ? 0 : allocate(instance, total);
  for await (const chunk of chunks()) {
    const fits = data !== 0 && total !== undefined && size + chunk.length <= total;
    if (fits) bytesAt(instance, data + size, chunk.length).set(chunk);
    else if (data !== 0) throw new Failure('NETWORK_FAILED', `${name} is longer than announced`);
    else parts.push(chunk.slice());
    size += chunk.length;
  }
  if (data === 0) {
    data = allocate(instance, size);
    let offset = data;
    for (const part of parts) {
      bytesAt(instance, offset, part.length).set(part);
      offset += part.length;
    }
  }
  const pointer = writeString(instance, name);
  const result = instance._sx_loader_external(loader, pointer, data, size);
  instance._sx_free(pointer);
  check(instance, result);
}

function feedWeight(instance: Instance, loader: number, name: string): void {
  const pointer = writeString(instance, name);
  instance._sx_loader_feed_weight(loader, pointer);
  instance._sx_free(pointer);
}

interface RawValue extends Omit<ValueInfo, 'type' | 'kind'> {
  dtype: ValueInfo['type'];
  kind: number;
}

function describe(instance: Instance, session: number): ModelDescription {
  const json = readString(instance, instance._sx_session_describe(session) >>> 0);
  const raw = JSON.parse(json) as Omit<ModelDescription, 'inputs' | 'outputs'> & {
    inputs: RawValue[];
    outputs: RawValue[];
  };
  const value = ({ name, kind, dtype, shape, optional }: RawValue): ValueInfo => ({
    name,
    kind: VALUE_KINDS[kind]!,
    type: dtype,
    shape,
    optional,
  });
  return { ...raw, inputs: raw.inputs.map(value), outputs: raw.outputs.map(value) };
}
