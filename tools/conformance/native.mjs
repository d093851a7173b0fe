// The suite on the native build with sanitizers (tests/cpp/conformance).
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, buildDir } from '../cmake.mjs';
import { run } from '../process.mjs';
import { SUITES, workFolder } from './paths.mjs';

/** {id: failure}, "" for a pass. */
export async function runNative({ preset = 'native', filter = '', jobs }) {
  await build(preset, { targets: ['onnx_suite'], jobs });
  mkdirSync(workFolder, { recursive: true });
  const program = join(buildDir(preset), 'tests/cpp/conformance/onnx_suite');
  const results = {};
  for (const suite of Object.keys(SUITES)) {
    const json = join(workFolder, `native-${suite}.json`);
    const args = ['--filter', filter, '--quiet', '--json', json];
    if (suite === 'onnx-node-old') args.push('--old');
    const status = await run(program, args);
    if (status > 1) throw new Error(`onnx_suite ended with status ${status}`);
    for (const { group, name, failure } of JSON.parse(readFileSync(json, 'utf8'))) {
      results[`${group}/${name}`] = failure;
    }
  }
  return results;
}
