// Where things live: the repository, the shared cache, and the files that setup writes.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const pinFile = join(root, 'tools/setup/debian-packages.json');

export const pins = JSON.parse(readFileSync(pinFile, 'utf8'));

export const cacheRoot = resolve(
  process.env.SARDONYX_CACHE ||
    join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sardonyx'),
);

/** One folder per list of private packages, so that clones which pin the same ones share it. */
export const cacheDir = join(
  cacheRoot,
  createHash('sha256')
    .update(JSON.stringify({ ...pins, system: undefined }))
    .update(process.arch)
    .digest('hex')
    .slice(0, 12),
);

export const ccacheDir = join(cacheRoot, 'ccache');
export const logFile = join(cacheRoot, 'setup.log');
export const envFile = join(cacheDir, 'env.json');
export const toolchainFile = join(root, 'build/toolchain.cmake');
