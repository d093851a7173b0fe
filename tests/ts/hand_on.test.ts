// A file that the page fetches for its worker: router/hand_on.ts on one side, worker/fed_source.ts on the other.
import { afterEach, expect, it, vi } from 'vitest';
import { fetchFor } from '../../router/hand_on.js';
import { FedSource } from '../../worker/fed_source.js';

afterEach(() => void vi.unstubAllGlobals());

const url = 'https://example.org/m.onnx';

function answer(response: () => Response | Promise<Response>): void {
  vi.stubGlobal('fetch', (_: string, { signal }: RequestInit) => {
    return new Promise<Response>((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
      Promise.resolve(response()).then(resolve, reject);
    });
  });
}

// The bytes that the worker gets, and what the size is said to be.
async function handedOn(source = new FedSource()) {
  const fetched = fetchFor(url);
  const sending = fetched.to((part, transfer) =>
    source.receive(structuredClone(part, { transfer })),
  );
  const { total, start, chunks } = await source.open();
  const bytes: number[] = [];
  for await (const chunk of chunks()) bytes.push(...chunk);
  await sending;
  return { total, start, bytes };
}

const body = (...chunks: Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });

it('hands on all chunks and the size', async () => {
  const pool = Uint8Array.of(9, 3, 4, 9);
  const chunks = () => body(Uint8Array.of(1, 2), pool.subarray(1, 3), Uint8Array.of());
  answer(() => new Response(chunks(), { headers: { 'content-length': '4' } }));
  expect(await handedOn()).toEqual({ total: 4, start: 0, bytes: [1, 2, 3, 4] });
  // A buffer that others use stays.
  expect([...pool]).toEqual([9, 3, 4, 9]);
});

it('hands on an empty file', async () => {
  answer(() => new Response(body()));
  expect(await handedOn()).toEqual({ total: undefined, start: 0, bytes: [] });
});

it('hands on why there is no file', async () => {
  answer(() => new Response('', { status: 404 }));
  await expect(handedOn()).rejects.toMatchObject({ code: 'HTTP_STATUS', where: { url } });
  answer(() => Promise.reject(new TypeError('no route')));
  await expect(handedOn()).rejects.toMatchObject({ code: 'NETWORK_FAILED', where: { url } });
});

it('hands on why a download ended early', async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new TypeError('reset'));
    },
  });
  answer(() => new Response(broken));
  await expect(handedOn()).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
});

it('stops', async () => {
  answer(() => new Promise(() => undefined));
  const source = new FedSource();
  const fetched = fetchFor(url);
  const sending = fetched.to((part) => source.receive(part));
  fetched.stop();
  await sending;
  await expect(source.open()).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
});
