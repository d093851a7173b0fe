// A file that is there as a whole or not at all.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { SardonyxError } from '../../web/index.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Written beside `file` first. What is left of it goes when that fails, or when a signal ends the program. */
export async function publish(file: string, bytes: Uint8Array): Promise<void> {
  const draft = `${file}.${randomUUID()}.tmp`;
  const end = (signal: NodeJS.Signals) => {
    rmSync(draft, { force: true });
    // Once more, without this listener: it ends the program.
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.once(signal, end);
  try {
    await writeToDisk(draft, bytes);
    await rename(draft, file);
  } catch (thrown) {
    await rm(draft, { force: true });
    throw new SardonyxError('INVALID_ARGUMENT', `can not write ${file}: ${String(thrown)}`, {
      field: 'out',
    });
  } finally {
    for (const signal of SIGNALS) process.off(signal, end);
  }
}

async function writeToDisk(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
