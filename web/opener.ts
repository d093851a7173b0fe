// Opens the same model again and again.
import { load, type LoadOptions } from './load.js';
import type { Session } from './session.js';
import { type Source, toWireSource } from './source.js';

/** Reads `source` now: bytes are kept as a Blob. Progress is reported of the first load only. */
export function opener(
  source: Source,
  { onProgress, signal: _signal, externalData = {}, ...options }: LoadOptions,
): (signal: AbortSignal) => Promise<Session> {
  const reading = Promise.all([
    keep(source, 'source'),
    Promise.all(
      Object.entries(externalData).map(
        async ([name, data]) => [name, await keep(data, `externalData.${name}`)] as const,
      ),
    ),
  ]);
  reading.catch(() => undefined);
  let progress = onProgress;
  return async (signal) => {
    const [kept, external] = await reading;
    const report = progress && { onProgress: progress };
    progress = undefined;
    return load(kept, {
      ...options,
      ...report,
      externalData: Object.fromEntries(external),
      signal,
    });
  };
}

async function keep(source: Source, field: string): Promise<Source> {
  const plain = await toWireSource(source, true, field);
  if ('url' in plain) return plain.url;
  return 'blob' in plain ? plain.blob : plain.bytes;
}
