// Bytes of a source -> loader -> session. The bytes go into wasm memory chunk by chunk as they come.
import type { Instance } from './abi.js';
import { Failure } from './failure.js';
import { allocate, bytesAt, readString, writeString } from './memory.js';
import type { LoadProgress, ModelDescription, ValueInfo, WireSource } from './protocol.js';
import { openSource } from './source.js';
import { check, lastError } from './status.js';

const STAGING_BYTES = 1 << 18;
const HTML_START = /^\s*<(?:!doctype|html|\?xml)/i;

export interface LoadedModel {
  readonly session: number;
  readonly description: ModelDescription;
}

type OnProgress = (progress: LoadProgress) => void;

export async function loadModel(
  instance: Instance,
  source: WireSource,
  external: Readonly<Record<string, WireSource>>,
  onProgress: OnProgress,
  forGpu: Promise<boolean> | undefined,
): Promise<LoadedModel> {
  const loader = instance._sx_loader_create() >>> 0;
  if (loader === 0) throw new Failure('OUT_OF_MEMORY', 'no memory for the loader');
  try {
    await pushModel(instance, loader, source, onProgress);
    for (const [name, data] of Object.entries(external)) {
      await pushExternal(instance, loader, name, data);
    }
    if (await forGpu) instance._sx_loader_for_gpu(loader);
    onProgress({ phase: 'compile', loaded: 0, total: 1 });
    const session = instance._sx_session_create(loader) >>> 0;
    if (session === 0) throw lastError(instance);
    const description = describe(instance, session);
    onProgress({ phase: 'compile', loaded: 1, total: 1 });
    return { session, description };
  } finally {
    instance._sx_loader_destroy(loader);
  }
}

async function pushModel(
  instance: Instance,
  loader: number,
  source: WireSource,
  onProgress: OnProgress,
): Promise<void> {
  const { total, exact, chunks } = await openSource(source);
  if (exact && total !== undefined) {
    check(instance, instance._sx_loader_expect_size(loader, total));
  }
  const staging = allocate(instance, STAGING_BYTES);
  let loaded = 0;
  try {
    for await (const chunk of chunks()) {
      if (loaded === 0) refuseWebPage(chunk, source);
      for (let start = 0; start < chunk.length; start += STAGING_BYTES) {
        const part = chunk.subarray(start, start + STAGING_BYTES);
        bytesAt(instance, staging, part.length).set(part);
        check(instance, instance._sx_loader_push(loader, staging, part.length));
      }
      loaded += chunk.length;
      onProgress({ phase: 'download', loaded, ...(total === undefined ? {} : { total }) });
    }
  } finally {
    instance._sx_free(staging);
  }
}

function refuseWebPage(chunk: Uint8Array, source: WireSource): void {
  if (!('url' in source)) return;
  if (!HTML_START.test(String.fromCharCode(...chunk.subarray(0, 64)))) return;
  throw new Failure('NOT_A_MODEL', `${source.url} is a web page, not a model`, {
    url: source.url,
  });
}

// The whole file goes into one block that the loader takes over.
async function pushExternal(
  instance: Instance,
  loader: number,
  name: string,
  source: WireSource,
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

interface RawValue extends Omit<ValueInfo, 'type'> {
  dtype: ValueInfo['type'];
}

function describe(instance: Instance, session: number): ModelDescription {
  const json = readString(instance, instance._sx_session_describe(session) >>> 0);
  const raw = JSON.parse(json) as Omit<ModelDescription, 'inputs' | 'outputs'> & {
    inputs: RawValue[];
    outputs: RawValue[];
  };
  const value = ({ name, dtype, shape, optional }: RawValue): ValueInfo => ({
    name,
    type: dtype,
    shape,
    optional,
  });
  return { ...raw, inputs: raw.inputs.map(value), outputs: raw.outputs.map(value) };
}
