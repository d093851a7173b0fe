// One setup at a time per cache: a second one waits for the first.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheRoot } from './paths.mjs';
import { say } from './report.mjs';

const lockFile = join(cacheRoot, 'setup.lock');

export async function withLock(work) {
  mkdirSync(cacheRoot, { recursive: true });
  for (let waiting = false; !tryLock(); waiting = true) {
    if (!waiting) say('another setup is running; waiting for it');
    await sleep(500);
  }
  const release = () => rmSync(lockFile, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
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

function ownerAlive() {
  try {
    const pid = Number(readFileSync(lockFile, 'utf8'));
    if (!pid) return true;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
