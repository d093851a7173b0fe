// Where figures were measured, and of what.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { root } from '../tools/setup/paths.mjs';

function commit() {
  try {
    const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
    return (
      git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') ? ' with changes' : '')
    );
  } catch {
    return 'unknown';
  }
}

export function machine(browser) {
  const ort = join(root, 'node_modules/onnxruntime-web/package.json');
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    chromium: browser.version(),
    onnxruntimeWeb: JSON.parse(readFileSync(ort, 'utf8')).version,
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
  };
}
