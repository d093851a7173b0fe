// A static file server for the demo and the tests: byte ranges, ETags, compression, cross-origin isolation
// on demand.
import { createReadStream, existsSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { encodedBody, encodingFor } from './compression.mjs';
import { root } from './setup/paths.mjs';

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.md': 'text/plain; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.onnx': 'application/octet-stream',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.wav': 'audio/wav',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
};

const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Where `npm start` finds what it serves. */
export function defaultMounts() {
  const mounts = [
    ['/dist/', join(root, 'dist')],
    ['/shared-models/', join(root, '../shared/models')],
    ['/shared-samples/', join(root, '../shared/samples/images')],
    ['/', join(root, 'build/demo')],
  ];
  return mounts.filter(([, folder]) => existsSync(folder));
}

/**
 * Serves `mounts`: pairs of a URL prefix and either a folder or a function ({path, url, request}) that
 * returns {body, type?, status?, headers?} or undefined; the first that has the path answers.
 * `isolated` (a flag, or a function of the path) adds COOP and COEP; `headers` go on every answer.
 */
export async function serve({
  port = 0,
  host = '127.0.0.1',
  mounts = defaultMounts(),
  isolated = true,
  headers = {},
} = {}) {
  const server = createServer((request, response) => {
    answer(request, response, { mounts, isolated, headers }).catch((error) => {
      if (!response.headersSent) response.writeHead(500, { 'Content-Type': 'text/plain' });
      response.end(String(error?.message ?? error));
    });
  });
  const wire = countSent(server);
  await new Promise((ready, failed) => {
    server.once('error', failed);
    server.listen(port, host, ready);
  });
  const bound = server.address().port;
  return {
    url: `http://${host}:${bound}/`,
    port: bound,
    bytesSent: wire,
    close: () =>
      new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      }),
  };
}

/** A function that gives the bytes written to all connections so far, headers included. */
function countSent(server) {
  const open = new Set();
  let closed = 0;
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => {
      open.delete(socket);
      closed += socket.bytesWritten;
    });
  });
  return () => [...open].reduce((sum, socket) => sum + socket.bytesWritten, closed);
}

async function answer(request, response, { mounts, isolated, headers }) {
  const url = new URL(request.url ?? '/', 'http://server');
  const path = decodePath(url.pathname);
  const common = {
    ...((typeof isolated === 'function' ? isolated(path ?? '') : isolated) ? ISOLATION : {}),
    'Cross-Origin-Resource-Policy': 'cross-origin',
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Headers': '*',
    'Cache-Control': 'no-cache',
    ...headers,
  };
  const fail = (status, text) => {
    response.writeHead(status, { ...common, 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(`${text}\n`);
  };
  if (path === undefined) return fail(400, 'bad path');
  for (const [prefix, source] of mounts) {
    if (!path.startsWith(prefix)) continue;
    if (typeof source === 'function') {
      const made = await source({ path, url, request });
      if (made === undefined) continue;
      const type = made.type ? { 'Content-Type': made.type } : {};
      response.writeHead(made.status ?? 200, { ...common, ...type, ...made.headers });
      response.end(made.body);
      return;
    }
    const file = await findFile(source, path.slice(prefix.length));
    if (!file) continue;
    if (file.index && !path.endsWith('/')) {
      response.writeHead(308, { ...common, Location: `${url.pathname}/${url.search}` });
      response.end();
      return;
    }
    if (request.method === 'OPTIONS') return fail(204, '');
    if (request.method !== 'GET' && request.method !== 'HEAD') return fail(405, 'GET or HEAD only');
    await sendFile(request, response, file, common);
    return;
  }
  fail(404, `not found: ${path}`);
}

function decodePath(pathname) {
  try {
    const path = decodeURIComponent(pathname);
    return path.includes('\0') ? undefined : path;
  } catch {
    return undefined;
  }
}

/** The file under `folder` that `path` names; undefined when there is none or it lies outside. */
async function findFile(folder, path) {
  const base = await realpath(folder).catch(() => undefined);
  if (!base) return undefined;
  const wanted = resolve(base, `./${path}`);
  for (const candidate of [wanted, join(wanted, 'index.html')]) {
    const real = await realpath(candidate).catch(() => undefined);
    if (!real || (real !== base && !real.startsWith(base + sep))) continue;
    const info = await stat(real);
    if (info.isFile()) return { path: real, info, index: candidate !== wanted };
  }
  return undefined;
}

async function sendFile(request, response, { path, info }, common) {
  const version = `${info.size.toString(36)}-${Math.floor(info.mtimeMs).toString(36)}`;
  const encoding = request.headers.range
    ? undefined
    : encodingFor(path, request.headers['accept-encoding']);
  const etag = `"${version}${encoding ? `-${encoding}` : ''}"`;
  const headers = {
    ...common,
    'Content-Type': TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream',
    'Accept-Ranges': 'bytes',
    ETag: etag,
    Vary: 'Accept-Encoding',
  };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers);
    response.end();
    return;
  }
  if (encoding) {
    const body = await encodedBody(path, version, encoding);
    response.writeHead(200, {
      ...headers,
      'Content-Encoding': encoding,
      'Content-Length': body.length,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    return;
  }
  const range = parseRange(request.headers.range, info.size);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'Content-Range': `bytes */${info.size}` });
    response.end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: info.size - 1 };
  headers['Content-Length'] = end - start + 1;
  if (range) headers['Content-Range'] = `bytes ${start}-${end}/${info.size}`;
  response.writeHead(range ? 206 : 200, headers);
  if (request.method === 'HEAD' || end < start) {
    response.end();
    return;
  }
  const stream = createReadStream(path, { start, end });
  stream.on('error', () => response.destroy());
  response.on('close', () => stream.destroy());
  stream.pipe(response);
}

/** One byte range; undefined for none or for a form that may be ignored. */
function parseRange(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const suffix = match[1] === '';
  const start = suffix ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = suffix || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start >= size || start > end ? 'unsatisfiable' : { start, end };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const server = await serve({ port: Number(process.env.PORT || 8080), host: 'localhost' });
  console.log(`http://localhost:${server.port}/`);
}
