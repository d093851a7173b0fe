// Has files stored by a worker of its own, beside the engines.
import { Failure } from '../worker/failure.js';
import type { ModelFile } from '../worker/protocol.js';
import { LIMITS } from './limits.js';
import { spawn as spawnWorker, type Spawn, type WorkerPort } from './worker_port.js';

// One after the other. Rejects when one could not be stored, and with signal.reason.
export async function keepFiles(
  workerUrl: string,
  files: readonly ModelFile[],
  { signal, onKept, spawn = spawnWorker }: KeepOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  let port: WorkerPort | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waiting = [...files];
  try {
    await new Promise<void>((resolve, reject) => {
      const failed = (text: string) =>
        reject(new Failure('ENGINE_START', `the worker ${workerUrl} ${text}`, { url: workerUrl }));
      const next = () => {
        const file = waiting.shift();
        if (file) port?.post({ type: 'keep', file });
        else resolve();
      };
      timer = setTimeout(() => failed('did not start in time'), LIMITS.scriptMs);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      spawn(workerUrl, {
        message: (message) => {
          clearTimeout(timer);
          if (message.type !== 'kept') return;
          if (message.failure) return reject(Failure.from(message.failure));
          onKept?.();
          next();
        },
        error: failed,
      }).then((started) => {
        port = started;
        next();
      }, reject);
    });
  } finally {
    clearTimeout(timer);
    port?.terminate();
  }
}

interface KeepOptions {
  readonly signal?: AbortSignal | undefined;
  // After each file.
  readonly onKept?: () => void;
  readonly spawn?: Spawn;
}
