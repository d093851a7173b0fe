// Files whose manifest has hashes of their parts.
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ModelFile } from '../../worker/protocol.js';
import { ChunkVerifier } from '../../worker/storage/chunk_verifier.js';
import { openModelFile } from '../../worker/storage/model_file.js';

const CHUNK = 100;
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const contents = Uint8Array.from({ length: 350 }, (_, i) => i * 7);
const chunks = {
  bytes: CHUNK,
  sha256: [0, 1, 2, 3].map((i) => hash(contents.subarray(i * CHUNK, (i + 1) * CHUNK))),
};
const file: ModelFile = {
  url: 'https://example.org/m.onnx',
  bytes: contents.length,
  sha256: hash(contents),
  chunks,
};
const damaged = (at: number) => contents.map((byte, i) => (i === at ? byte ^ 1 : byte));

// Serves `bytes` in pieces and tells how many were asked for.
function serve(bytes: Uint8Array, piece: number): { pulled: () => number } {
  let at = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (at < bytes.length) controller.enqueue(bytes.slice(at, at + piece));
        else controller.close();
        at = Math.min(at + piece, bytes.length);
      },
    },
    { highWaterMark: 0 },
  );
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body)));
  return { pulled: () => at };
}

async function readAll(): Promise<Uint8Array> {
  const reader = await openModelFile(file, false);
  const parts: Uint8Array[] = [];
  try {
    for await (const part of reader.chunks()) parts.push(part);
  } finally {
    await reader.finish();
  }
  return Buffer.concat(parts);
}

afterEach(() => vi.unstubAllGlobals());

describe('a file with hashes of its parts', () => {
  it.each([1, 33, 100, 250, 1000])('is read in pieces of %i bytes', async (piece) => {
    serve(contents, piece);
    expect(Buffer.compare(await readAll(), contents)).toBe(0);
  });

  it.each([
    [0, 0, '0 to 99'],
    [199, 1, '100 to 199'],
    [349, 3, '300 to 349'],
  ])('is refused with FILE_MISMATCH where byte %i is wrong', async (at, index, range) => {
    const server = serve(damaged(at), 10);
    const failure = await readAll().catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: 'FILE_MISMATCH', where: { url: file.url } });
    const { message } = failure as Error;
    expect(message).toContain(`${file.url} has SHA-256`);
    expect(message).toContain(`in chunks[${index}] (bytes ${range})`);
    expect(server.pulled()).toBe(Math.min((index + 1) * CHUNK, contents.length));
  });

  it('is refused when it is cut short in the middle of a part', async () => {
    serve(contents.subarray(0, 250), 50);
    await expect(readAll()).rejects.toMatchObject({
      code: 'FILE_MISMATCH',
      message: expect.stringContaining('has 250 bytes, not 350') as string,
    });
  });
});

it('a verifier knows how much of what has passed is right', () => {
  const verifier = new ChunkVerifier(chunks, contents.length);
  const known = [0, 99, 100, 101, 300, 349, 350].map((end, i, ends) => {
    verifier.update(contents.subarray(i && ends[i - 1], end));
    return verifier.verified;
  });
  expect(known).toEqual([0, 0, 100, 100, 300, 300, 350]);
});
