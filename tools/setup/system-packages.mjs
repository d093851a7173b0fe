// Debian packages that are installed into the system: compilers, build tools, Chromium.
import { existsSync } from 'node:fs';
import { exec, which } from './exec.mjs';
import { pins } from './paths.mjs';
import { SetupError, step } from './report.mjs';

const APT = [
  '-y',
  '--no-install-recommends',
  '-o',
  'DPkg::Lock::Timeout=300',
  '-o',
  'Acquire::Retries=3',
];
const ENV = { DEBIAN_FRONTEND: 'noninteractive' };

const present = (entry) => (entry.command ? Boolean(which(entry.command)) : existsSync(entry.file));

/** Names of the packages from which something is still missing. */
export function missingPackages() {
  return pins.system.filter((entry) => !present(entry)).map((entry) => entry.name);
}

export async function installSystemPackages() {
  const names = missingPackages();
  if (names.length === 0) return;
  const command = `apt-get update && apt-get install --no-install-recommends ${names.join(' ')}`;
  if (!which('apt-get')) {
    throw new SetupError(
      `missing: ${names.join(', ')}. This script installs them on Debian 12 or 13 only; install the same programs by your system's means and run it again.`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(`missing: ${names.join(', ')}. Type: sudo sh -c '${command}'`);
  }
  await step(`Debian packages: ${names.join(' ')}`, async () => {
    try {
      await install(names);
    } catch {
      // Package lists that are empty or old, or an installation that was interrupted.
      await exec('apt-get', ['update', '-o', 'Acquire::Retries=3'], { env: ENV }).catch(() => {});
      await exec('dpkg', ['--configure', '-a'], { env: ENV }).catch(() => {});
      await install(names).catch((error) => {
        throw new SetupError(`missing: ${names.join(', ')}. Type: ${command} (${error.message})`);
      });
    }
  });
  const still = missingPackages();
  if (still.length > 0) {
    throw new SetupError(
      `installed, but not found: ${still.join(', ')}. Type: apt-get install --reinstall ${still.join(' ')}`,
    );
  }
}

const install = (names) => exec('apt-get', ['install', ...APT, ...names], { env: ENV });
