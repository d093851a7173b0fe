// The Debian packages that training needs: torch and onnx in the system, fonts in a cache folder
// (unpacked only, so that no browser on this machine shows pages in other fonts than before).
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { exec } from '../../tools/setup/exec.mjs';
import { cacheRoot } from '../../tools/setup/paths.mjs';
import { SetupError, step } from '../../tools/setup/report.mjs';

const text = readFileSync(new URL('packages.json', import.meta.url));
const { suite, python, fonts } = JSON.parse(text.toString('utf8'));

export const PYTHON = '/usr/bin/python3';

const installed = async (name) =>
  exec('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Version}', name]).catch(() => 'no');

async function wrongPackages() {
  const wrong = [];
  for (const [name, version] of Object.entries(python)) {
    if ((await installed(name)) !== `installed ${version}`) wrong.push(`${name}=${version}`);
  }
  return wrong;
}

async function installPython() {
  const wanted = await wrongPackages();
  if (wanted.length === 0) return;
  const args = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300'];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await step(`Debian packages: ${wanted.join(' ')}`, () =>
    exec('apt-get', [...args, ...wanted], { env }).catch((error) => {
      throw new SetupError(
        `missing: ${wanted.join(', ')} of Debian ${suite}. As root: apt-get install ${wanted.join(' ')} (${error.message})`,
      );
    }),
  );
}

async function unpackFonts() {
  const folder = join(
    cacheRoot,
    `fonts-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`,
  );
  if (existsSync(folder)) return folder;
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  await step('fonts to train with', async () => {
    for (const [split, packages] of Object.entries(fonts)) {
      const downloads = join(partial, 'download', split);
      mkdirSync(downloads, { recursive: true });
      mkdirSync(join(partial, split), { recursive: true });
      const names = Object.entries(packages).map(([name, version]) => `${name}=${version}`);
      const options = ['-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=3'];
      await exec('apt-get', [...options, 'download', ...names], { cwd: downloads });
      for (const file of readdirSync(downloads)) {
        const target = join(partial, split, file.split('_')[0]);
        await exec('dpkg-deb', ['-x', join(downloads, file), target]);
      }
    }
  });
  rmSync(join(partial, 'download'), { recursive: true });
  renameSync(partial, folder);
  return folder;
}

/** Installs what is missing; returns the folder with the fonts. */
export async function trainingPackages() {
  await installPython();
  return unpackFonts();
}
