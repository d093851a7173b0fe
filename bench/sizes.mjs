// What a page downloads for each engine: JavaScript and one wasm module, brotli at its highest quality.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { root } from '../tools/setup/paths.mjs';

const compress = promisify(brotliCompress);
const ort = join(root, 'node_modules/onnxruntime-web/dist');

const downloads = (dist) => ({
  sardonyx: ['index.mjs', 'worker.js', 'sardonyx.relaxed.wasm'].map((file) => join(dist, file)),
  onnxruntime: [
    'ort.wasm.min.mjs',
    'ort-wasm-simd-threaded.mjs',
    'ort-wasm-simd-threaded.wasm',
  ].map((file) => join(ort, file)),
});

async function brotliBytes(path) {
  const text = readFileSync(path);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
  };
  return (await compress(text, { params })).length;
}

export async function downloadSizes(dist) {
  const sizes = {};
  for (const [engine, files] of Object.entries(downloads(dist))) {
    const parts = await Promise.all(files.map(brotliBytes));
    sizes[engine] = parts.reduce((a, b) => a + b);
  }
  return sizes;
}
