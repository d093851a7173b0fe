/** What a page and its workers need to share memory between threads. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/**
 * The response with the headers of cross-origin isolation. One that a new Response can not stand for
 * (opaque, redirected, partial, without a body) is given back as it is: a worker script made of an
 * empty 304 starts and never answers.
 */
export function isolated(response: Response): Response {
  const { type, status, redirected, body } = response;
  const opaque = type === 'opaque' || type === 'opaqueredirect' || type === 'error';
  if (opaque || redirected || status === 206 || body === null) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  // They describe the bytes on the wire; `body` is decoded.
  headers.delete('Content-Encoding');
  headers.delete('Content-Length');
  return new Response(body, { status, statusText: response.statusText, headers });
}
