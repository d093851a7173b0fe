// Prints the file behind each name of an asset.
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const names = [
  'worker.js',
  'webgpu.mjs',
  'manifest.mjs',
  'remote.mjs',
  'sardonyx.js',
  'sardonyx.simd.wasm',
  'sardonyx.relaxed.wasm',
  'manifest.schema.json',
  'package.json',
];
const files = names
  .map((name) => fileURLToPath(import.meta.resolve(`sardonyx/${name}`)))
  .filter((file) => existsSync(file));
console.log(JSON.stringify(files.map((file) => basename(file))));
