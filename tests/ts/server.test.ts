// tools/server.mjs: what goes over the wire.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve, type Server } from '../../tools/server.mjs';

const script = 'export const text = "again and again";\n'.repeat(500);
const folder = mkdtempSync(join(tmpdir(), 'sardonyx-server-'));
let server: Server;

beforeAll(async () => {
  writeFileSync(join(folder, 'a.js'), script);
  writeFileSync(join(folder, 'a.onnx'), script);
  server = await serve({ mounts: [['/', folder]] });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const ask = (
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number | undefined; headers: IncomingHttpHeaders; body: Buffer }> =>
  new Promise((resolve, reject) => {
    get(server.url + path, { headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(parts),
        }),
      );
    }).on('error', reject);
  });

describe('compression', () => {
  it.each([
    ['br', 'gzip, deflate, br, zstd', brotliDecompressSync],
    ['gzip', 'br;q=0, GZIP;q=0.5', gunzipSync],
  ])('sends %s to a client that takes %s', async (encoding, accept, decode) => {
    const { headers, body } = await ask('a.js', { 'Accept-Encoding': accept });
    expect(headers['content-encoding']).toBe(encoding);
    expect(headers.vary).toBe('Accept-Encoding');
    expect(Number(headers['content-length'])).toBe(body.length);
    expect(body.length).toBeLessThan(script.length / 10);
    expect(decode(body).toString()).toBe(script);
  });

  it('sends the file as it is to others, in parts too, and weights to everyone', async () => {
    for (const [path, asked] of [
      ['a.js', {}],
      ['a.js', { 'Accept-Encoding': 'identity' }],
      ['a.onnx', { 'Accept-Encoding': 'br' }],
    ] as const) {
      const { headers, body } = await ask(path, asked);
      expect(headers['content-encoding']).toBeUndefined();
      expect(body.toString()).toBe(script);
    }
    const part = await ask('a.js', { 'Accept-Encoding': 'br', Range: 'bytes=0-5' });
    expect([part.status, part.body.toString()]).toEqual([206, 'export']);
  });

  it('gives each encoding a tag of its own and sends a changed file anew', async () => {
    const br = { 'Accept-Encoding': 'br' };
    const first = await ask('a.js', br);
    const tag = first.headers.etag ?? '';
    expect((await ask('a.js', {})).headers.etag).not.toBe(tag);
    expect((await ask('a.js', { ...br, 'If-None-Match': tag })).status).toBe(304);
    writeFileSync(join(folder, 'a.js'), 'changed');
    const second = await ask('a.js', { ...br, 'If-None-Match': tag });
    expect(brotliDecompressSync(second.body).toString()).toBe('changed');
  });
});

it('counts the bytes it sends', async () => {
  const before = server.bytesSent();
  const { body } = await ask('a.onnx', {});
  const sent = server.bytesSent() - before;
  expect(sent).toBeGreaterThan(body.length);
  expect(sent).toBeLessThan(body.length + 1000);
});
