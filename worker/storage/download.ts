// A file from the network, or the rest of it.
import { Failure } from '../failure.js';
import type { ModelFile } from '../protocol.js';
import { openSource, type OpenSource } from '../source.js';
import { mismatch } from './mismatch.js';

export interface Download {
  // Where in the file the chunks start: at `from`, or 0 when the server does not send the rest alone.
  readonly start: number;
  readonly chunks: AsyncIterator<Uint8Array, unknown>;
}

export async function download(
  file: ModelFile,
  priority: RequestPriority,
  from = 0,
): Promise<Download> {
  if (from === file.bytes) return { start: from, chunks: nothing() };
  const rest = from > 0 ? await openRest(file, priority, from) : undefined;
  // A copy in the HTTP cache may be that of an earlier version: the server is asked.
  const source = rest ?? (await openSource({ url: file.url }, { cache: 'no-cache', priority }));
  const { total, exact } = source;
  const start = source.start ?? 0;
  const chunks = iterate(source);
  const size = total === undefined ? undefined : start + total;
  if (!exact || size === undefined || size === file.bytes) return { start, chunks };
  void chunks.return?.();
  throw mismatch(file.url, `has ${size} bytes, not ${file.bytes}`);
}

// Undefined when the server refuses it or sends another part. Hashes tell when the file has changed.
async function openRest(
  { url }: ModelFile,
  priority: RequestPriority,
  from: number,
): Promise<OpenSource | undefined> {
  const headers = { Range: `bytes=${from}-` };
  try {
    const source = await openSource({ url }, { cache: 'no-store', priority, headers });
    if (source.start === 0 || source.start === from) return source;
    void iterate(source).return?.();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'HTTP_STATUS') return undefined;
    throw thrown;
  }
}

const iterate = ({ chunks }: OpenSource) => chunks()[Symbol.asyncIterator]();

// eslint-disable-next-line @typescript-eslint/require-await
async function* nothing(): AsyncGenerator<Uint8Array> {
  yield* [];
}
