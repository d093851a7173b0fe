// Fetches packages and source tarballs of another Debian suite into a private folder.
// The system's own apt sources stay as they are; signatures are checked against Debian's keyring.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exec, which } from './exec.mjs';
import { cacheDir, pins } from './paths.mjs';
import { SetupError } from './report.mjs';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const MIRROR = process.env.SARDONYX_DEBIAN_MIRROR || 'http://deb.debian.org/debian';

const aptDir = join(cacheDir, 'apt');
const sourceList = join(aptDir, 'sources.list');
const options = [
  `Dir::Etc::sourcelist=${sourceList}`,
  'Dir::Etc::sourceparts=-',
  `Dir::State::Lists=${join(aptDir, 'lists')}`,
  `Dir::Cache=${join(aptDir, 'cache')}`,
  'APT::Sandbox::User=root',
  'Acquire::Retries=3',
  'APT::Update::Error-Mode=any',
  'Acquire::Languages=none',
  'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
].flatMap((option) => ['-o', option]);

const apt = (args, cwd) => exec('apt-get', [...options, ...args], { cwd });

let updated = false;

async function update() {
  if (updated) return;
  if (!which('apt-get') || !existsSync(KEYRING)) {
    throw new SetupError(
      'missing: apt-get and debian-archive-keyring. Use Debian 12 or 13, or put emcc >= 3.1.69 on PATH.',
    );
  }
  mkdirSync(join(aptDir, 'lists/partial'), { recursive: true });
  mkdirSync(join(aptDir, 'cache/archives/partial'), { recursive: true });
  const line = `[signed-by=${KEYRING}] ${MIRROR} ${pins.suite} main\n`;
  writeFileSync(sourceList, `deb ${line}deb-src ${line}`);
  await apt(['update']);
  updated = true;
}

/** Downloads and unpacks packages (name -> version prefix) into `target`, leaving out `exclude`. */
export async function unpackPackages(packages, target, exclude = []) {
  await update();
  const downloads = `${target}.download`;
  rmSync(downloads, { recursive: true, force: true });
  mkdirSync(downloads, { recursive: true });
  mkdirSync(target, { recursive: true });
  await apt(['download', ...Object.keys(packages)], downloads);
  for (const file of readdirSync(downloads)) {
    const deb = join(downloads, file);
    const field = async (name) => (await exec('dpkg-deb', ['-f', deb, name])).trim();
    const [name, version] = [await field('Package'), await field('Version')];
    if (!version.startsWith(packages[name])) {
      throw new SetupError(
        `${pins.suite} has ${name} ${version}, wanted ${packages[name]}. Correct tools/setup/debian-packages.json.`,
      );
    }
    const tar = ['tar', '-x', '-C', target, ...exclude.map((path) => `--exclude=${path}`)];
    const quoted = tar.map((word) => `'${word}'`).join(' ');
    await exec('bash', ['-c', `set -o pipefail; dpkg-deb --fsys-tarfile '${deb}' | ${quoted}`]);
  }
  rmSync(downloads, { recursive: true, force: true });
}

/** Downloads the original source tarball of a source package and unpacks it into `target`. */
export async function unpackSource(name, version, target) {
  await update();
  const downloads = `${target}.download`;
  rmSync(downloads, { recursive: true, force: true });
  mkdirSync(downloads, { recursive: true });
  mkdirSync(target, { recursive: true });
  await apt(['source', '--download-only', '--tar-only', name], downloads);
  const tarball = readdirSync(downloads).find((file) =>
    file.startsWith(`${name}_${version}.orig.tar`),
  );
  if (!tarball) {
    throw new SetupError(
      `${pins.suite} has no source of ${name} ${version}. Correct tools/setup/debian-packages.json.`,
    );
  }
  await exec('tar', ['-x', '-f', join(downloads, tarball), '--strip-components=1', '-C', target]);
  rmSync(downloads, { recursive: true, force: true });
}

/** Fills a folder of the cache once: built beside its place, then renamed, so it is whole or absent. */
export async function once(name, fill) {
  const target = join(cacheDir, name);
  if (existsSync(target)) return target;
  const stage = `${target}.stage`;
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  try {
    await fill(stage);
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(
      `missing: ${name}, which could not be fetched. Check the network and type: npm run setup (${error.message})`,
    );
  }
  renameSync(stage, target);
  return target;
}
