import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { root } from '../setup/paths.mjs';

/** Material that is not in the repository, or undefined. */
export function sharedFolder() {
  const folder = resolve(process.env.SARDONYX_SHARED ?? join(root, '../shared'));
  return existsSync(join(folder, 'onnx-node')) ? folder : undefined;
}

/** Folder of ../shared → name in results. */
export const SUITES = { 'onnx-node': 'newest', 'onnx-node-old': 'older' };
export const workFolder = join(root, 'build/conformance');
export const knownFile = join(root, 'tests/conformance/known_failures.json');
export const resultsFile = join(root, 'docs/operators.json');
export const pageFile = join(root, 'docs/operators.md');
