// One setup at a time per cache: a second one waits for the first.
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheRoot } from './paths.mjs';
import { say } from './report.mjs';

const lockFile = join(cacheRoot, 'setup.lock');
const REFRESH_MS = 5_000;
const STALE_MS = 60_000;

export async function withLock(work) {
  mkdirSync(cacheRoot, { recursive: true });
  for (let waiting = false; !tryLock(); waiting = true) {
    if (!waiting) say('another setup is running; waiting for it');
    await sleep(500);
  }
  const release = () => rmSync(lockFile, { force: true });
  process.once('exit', release);
  const refresh = setInterval(() => utimesSync(lockFile, new Date(), new Date()), REFRESH_MS);
  try {
    return await work();
  } finally {
    clearInterval(refresh);
    release();
    process.off('exit', release);
  }
}

function tryLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (!ownerAlive()) rmSync(lockFile, { force: true });
  return false;
}

/** The owner refreshes the file while it works; its process id tells a crash at once. */
function ownerAlive() {
  try {
    if (Date.now() - statSync(lockFile).mtimeMs > STALE_MS) return false;
    const pid = Number(readFileSync(lockFile, 'utf8'));
    if (pid) process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
