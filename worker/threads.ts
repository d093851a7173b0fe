// Pool threads join in the background: the engine answers with one thread until they run.
import type { Instance } from './abi.js';

const HANDSHAKE_MS = 2000;
// Of 40 sessions that Chromium 156 disposed of on a loaded machine 14 were left without a pause, none with 5 ms.
const POOL_END_MS = 20;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

// Widens to `threads` once the pthread workers have loaded, and tells whenever the number of running
// threads changes. Gives up after 2 s: the engine then goes on with the threads that run.
// `onTrap` gets the message of a pool thread that has trapped.
export async function widen(
  instance: Instance,
  threads: number,
  onCount: (count: number) => void,
  onTrap: (message: string) => void,
): Promise<void> {
  if (threads <= 1) return;
  const { PThread } = instance;
  // What is laid out before they run is for all of them.
  instance._sx_set_threads(threads, 0);
  for (const worker of PThread.unusedWorkers) {
    worker.onerror = (event) => {
      const { message } = event as { message?: string };
      (event as Partial<Event>).preventDefault?.();
      onTrap(`a pool thread stopped: ${message ?? String(event)}`);
    };
  }
  const start = performance.now();
  let count = 1;
  for (let delay = 2; performance.now() - start < HANDSHAKE_MS; delay = Math.min(delay * 1.5, 50)) {
    await pause(delay);
    const idle = PThread.unusedWorkers.filter((worker) => worker.loaded).length;
    instance._sx_set_threads(threads, idle + PThread.runningWorkers.length);
    const ready = instance._sx_threads_ready();
    if (ready !== count) onCount((count = ready));
    if (ready >= threads) return;
  }
}

// Chromium keeps the threads and the memory of a worker that is terminated while its pool threads are ending.
export const poolEnded = (): Promise<void> => pause(POOL_END_MS);
