// The rule which manifest counts, with a real server.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openManifest } from '../../router/manifest_source.js';
import { sampleManifest } from './sample_manifest.js';

const fresh = { ...sampleManifest(), version: '2.0.0' };
const text = JSON.stringify(sampleManifest());

const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  '/fresh': (response) => response.end(JSON.stringify(fresh)),
  '/broken': (response) => response.end('{"format": 1}'),
  '/page': (response) => response.end('<!DOCTYPE html><title>Sign in</title>'),
  '/error': (response) => response.writeHead(503, 'Service Unavailable').end(),
  '/silent': () => undefined,
  '/half': (response) => response.writeHead(200, { 'Content-Length': 99 }).write('{"form'),
  '/cut': (response) => {
    response.writeHead(200, { 'Content-Length': 99 }).write('{"form');
    setTimeout(() => response.destroy(), 20);
  },
};

const server = createServer((request, response) => answers[request.url!]!(response));
let base: string;
beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const open = (path: string, withCopy: boolean, signal?: AbortSignal) => {
  const url = `${base}${path}`;
  return openManifest(url, withCopy ? { url, text, wanted: [] } : undefined, signal, 200);
};

describe('openManifest', () => {
  it.each([true, false])('takes what the network gives, with a stored copy: %s', async (copy) => {
    const found = await open('/fresh', copy);
    expect(found.manifest.version).toBe('2.0.0');
    expect(found.stored).toBeUndefined();
  });

  it.each([
    ['/broken', 'is missing'],
    ['/page', 'web page'],
    ['/error', '503'],
    ['/silent', 'no answer in 0.2 s'],
    ['/half', 'no answer in 0.2 s'],
    ['/cut', 'can not fetch'],
  ])('takes the stored copy for %s and says why', async (path, why) => {
    const found = await open(path, true);
    expect(found.manifest.version).toBe('1.0.0');
    expect(found.text).toBe(text);
    expect(found.stored).toContain(why);
  });

  it.each([
    ['/broken', 'MANIFEST_INVALID'],
    ['/page', 'NOT_A_MODEL'],
    ['/error', 'HTTP_STATUS'],
    ['/cut', 'NETWORK_FAILED'],
  ])('fails for %s when there is none', async (path, code) => {
    await expect(open(path, false)).rejects.toMatchObject({
      code,
      where: { url: `${base}${path}` },
    });
  });

  it('ends with the reason of an abort, also when there is a stored copy', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort('enough'), 20);
    await expect(open('/silent', true, stop.signal)).rejects.toBe('enough');
  });
});
