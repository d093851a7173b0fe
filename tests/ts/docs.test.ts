// The samples of docs/api.md are one program: it must run, with the manifest of docs/manifest.md.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { linearModel } from './models.js';

const run = promisify(execFile);

// Served by docs/api.md's program, self-test included.
function manifestSample(): string {
  const sample = /^```json\n(.*?)^```$/ms.exec(readFileSync('docs/manifest.md', 'utf8'));
  return sample![1]!;
}

it('docs/api.md tells the truth', { timeout: 60_000 }, async () => {
  const samples = [...readFileSync('docs/api.md', 'utf8').matchAll(/^```js\n(.*?)^```$/gms)];
  expect(samples.length).toBeGreaterThan(5);
  const folder = resolve('build/docs_samples');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), linearModel());
  writeFileSync(join(folder, 'model.sardonyx.json'), manifestSample());
  const head = `import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
const modelBytes = readFileSync('model.onnx');
`;
  writeFileSync(join(folder, 'api.mjs'), head + samples.map(([, code]) => code).join(''));
  // Rejects when the program fails or does not end by itself.
  const { stdout } = await run(process.execPath, ['api.mjs'], { cwd: folder, timeout: 50_000 });
  expect(stdout).toContain('float32 [ 1, 3 ] Float32Array(3) [ 3, 23, 43 ]');
  expect(stdout).toContain('MatMul');
});
