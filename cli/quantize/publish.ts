// A file that is there as a whole or not at all.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { SardonyxError } from '../../web/index.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Another name each time, beside `file`. */
export const draftOf = (file: string) => `${file}.${randomUUID()}.tmp`;

export const cannotWrite = (file: string, thrown: unknown) =>
  new SardonyxError('INVALID_ARGUMENT', `can not write ${file}: ${String(thrown)}`, {
    field: 'out',
  });

/** Written beside `file` first. What is left of it goes when that fails, or when a signal ends the program. */
export async function publish(file: string, bytes: Uint8Array): Promise<void> {
  const draft = draftOf(file);
  const stopListening = () => {
    for (const signal of SIGNALS) process.off(signal, end);
  };
  // A second signal ends the program at once, so that the draft has to go before the listener does.
  const end = (signal: NodeJS.Signals) => {
    rmSync(draft, { force: true });
    stopListening();
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.on(signal, end);
  try {
    await writeToDisk(draft, bytes);
    await rename(draft, file);
  } catch (thrown) {
    await rm(draft, { force: true });
    throw cannotWrite(file, thrown);
  } finally {
    stopListening();
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
