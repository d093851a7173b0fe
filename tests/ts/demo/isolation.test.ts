import { expect, it } from 'vitest';
import { isolated } from '../../../web/demo/sw/isolation';

it('adds the headers and keeps what else the response says', async () => {
  const response = isolated(
    new Response('body', {
      status: 203,
      headers: { 'Content-Type': 'text/css', 'Content-Encoding': 'br', 'Content-Length': '2' },
    }),
  );
  expect(response.status).toBe(203);
  expect(Object.fromEntries(response.headers)).toEqual({
    'content-type': 'text/css',
    'cross-origin-embedder-policy': 'require-corp',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  });
  expect(await response.text()).toBe('body');
});

it('leaves alone what a new response can not stand for', () => {
  const redirected = new Response('moved');
  Object.defineProperty(redirected, 'redirected', { value: true });
  const opaque = new Response('x');
  Object.defineProperty(opaque, 'type', { value: 'opaque' });
  for (const response of [
    redirected,
    opaque,
    new Response(null, { status: 304 }),
    new Response(null, { status: 204 }),
    new Response('part', { status: 206 }),
    Response.error(),
  ]) {
    expect(isolated(response)).toBe(response);
    expect([...response.headers.keys()].filter((name) => name.startsWith('cross'))).toEqual([]);
  }
});
