// node_modules, brought in line with package-lock.json.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exec } from './exec.mjs';
import { root } from './paths.mjs';
import { SetupError, step } from './report.mjs';

const lock = join(root, 'package-lock.json');
const stamp = join(root, 'node_modules/.sardonyx-lock');

const lockHash = () => createHash('sha256').update(readFileSync(lock)).digest('hex');

export function nodeModulesFresh() {
  if (!existsSync(lock)) return true;
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash();
}

export async function installNodeModules() {
  if (nodeModulesFresh()) return;
  const hash = lockHash();
  await step('npm packages', async () => {
    const env = { PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' };
    const args = ['ci', '--no-audit', '--no-fund', '--prefer-offline'];
    await exec('npm', args, { cwd: root, env }).catch((error) => {
      throw new SetupError(`missing: npm packages. Type: npm ci (${error.message})`);
    });
    writeFileSync(stamp, hash);
  });
}
