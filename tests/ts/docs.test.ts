// The samples of docs/api.md are one program: it must run, with the manifest of docs/manifest.md. Those of
// docs/quantize.md are another.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { layersModel, linearModel } from './models.js';

const run = promisify(execFile);

// Served by docs/api.md's program, self-test included.
function manifestSample(): string {
  const sample = /^```json\n(.*?)^```$/ms.exec(readFileSync('docs/manifest.md', 'utf8'));
  return sample![1]!;
}

/** Runs all samples of a page as one program; resolves with what it prints. */
async function runSamples(
  page: string,
  head: string,
  files: Record<string, Uint8Array | string>,
  end = '',
) {
  const samples = [...readFileSync(page, 'utf8').matchAll(/^```js\n(.*?)^```$/gms)];
  const folder = resolve('build/docs_samples');
  mkdirSync(folder, { recursive: true });
  for (const [name, contents] of Object.entries(files)) writeFileSync(join(folder, name), contents);
  const program = `${basename(page, '.md')}.mjs`;
  writeFileSync(join(folder, program), head + samples.map(([, code]) => code).join('') + end);
  // Rejects when the program fails or does not end by itself.
  const { stdout } = await run(process.execPath, [program], { cwd: folder, timeout: 50_000 });
  return { count: samples.length, stdout };
}

const HEAD = `import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
`;

it('docs/api.md tells the truth', { timeout: 60_000 }, async () => {
  const head = `${HEAD}const modelBytes = readFileSync('model.onnx');\n`;
  const files = { 'model.onnx': linearModel(), 'model.sardonyx.json': manifestSample() };
  const { count, stdout } = await runSamples('docs/api.md', head, files);
  expect(count).toBeGreaterThan(5);
  expect(stdout).toContain('float32 [ 1, 3 ] Float32Array(3) [ 3, 23, 43 ]');
  expect(stdout).toContain('MatMul');
});

it('docs/quantize.md tells the truth', { timeout: 60_000 }, async () => {
  const head = `${HEAD}import { load } from 'sardonyx';
const modelBytes = readFileSync('layers.onnx');
`;
  const end = 'await session.dispose();\n';
  const { count, stdout } = await runSamples(
    'docs/quantize.md',
    head,
    { 'layers.onnx': layersModel() },
    end,
  );
  expect(count).toBe(4);
  expect(stdout).toMatch(/^first w1 2\d\.\d dB\nsecond w2 2\d\.\d dB\n/);
});
