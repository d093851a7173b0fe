// The rest of a file, from servers that do and do not send it.
import { afterEach, describe, expect, it } from 'vitest';
import { serve, type Answer, type Server } from '../../tools/server.mjs';
import { download } from '../../worker/storage/download.js';

const contents = Uint8Array.from({ length: 300 }, (_, i) => i);
const rest = (start: number, status = 206): Answer => ({
  status,
  body: contents.subarray(start),
  headers: { 'Content-Range': `bytes ${start}-299/300` },
});
const whole: Answer = { body: contents };
let server: Server | undefined;

async function readFrom(from: number, answer: (range: string | undefined) => Answer) {
  const asked: (string | undefined)[] = [];
  server = await serve({
    mounts: [
      [
        '/',
        ({ request }) => {
          asked.push(request.headers.range);
          return answer(request.headers.range);
        },
      ],
    ],
  });
  const file = { url: `${server.url}m.onnx`, bytes: contents.length, sha256: '' };
  const { start, chunks } = await download(file, 'auto', from);
  const parts: Uint8Array[] = [];
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    parts.push(next.value);
  }
  return { asked, start, right: Buffer.compare(Buffer.concat(parts), contents.subarray(start)) };
}

afterEach(() => server?.close());

describe('download', () => {
  it.each<[string, number, (range: string | undefined) => Answer, (string | undefined)[], number]>([
    ['the rest', 100, () => rest(100), ['bytes=100-'], 100],
    ['the whole file all the same', 100, () => whole, ['bytes=100-'], 0],
    [
      'a range out of its file',
      100,
      (range) => (range ? { status: 416, body: '' } : whole),
      ['bytes=100-', undefined],
      0,
    ],
    ['another part', 100, (range) => (range ? rest(50) : whole), ['bytes=100-', undefined], 0],
    [
      'a part that is not told',
      100,
      (range) => (range ? { status: 206, body: contents.subarray(100) } : whole),
      ['bytes=100-', undefined],
      0,
    ],
    ['nothing when all is there', 300, () => whole, [], 300],
    ['a file from its start', 0, () => whole, [undefined], 0],
  ])('takes %s', async (_, from, answer, asked, start) => {
    expect(await readFrom(from, answer)).toEqual({ asked, start, right: 0 });
  });
});
