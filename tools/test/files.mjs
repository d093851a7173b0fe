// Which files a test stage works on.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { output } from '../process.mjs';
import { root } from '../setup/paths.mjs';

/** Files that git tracks or would add, matching the patterns. */
export async function projectFiles(...patterns) {
  const listed = await output('git', [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    ...patterns,
  ]);
  return [...new Set(listed.split('\n'))].filter((file) => file && existsSync(join(root, file)));
}

export const cppFiles = () => projectFiles('*.cc', '*.cpp', '*.h');
