// One tab at a time does what the lock is named after.

// As long as a download may keep others waiting.
const WAIT_MS = 30_000;

// Resolves with what gives the lock back. Without Web Locks, and after a long wait, it is not held: its
// users stay right without it, but may do something twice.
export function acquireLock(name: string, ms = WAIT_MS): Promise<() => void> {
  const locks = manager();
  const nothing = () => undefined;
  if (!locks) return Promise.resolve(nothing);
  return new Promise((resolve) => {
    const held = () => new Promise<void>((release) => resolve(release));
    locks
      .request(nameOf(name), { signal: AbortSignal.timeout(ms) }, held)
      .catch(() => resolve(nothing));
  });
}

// Does the work unless another holds the lock, and tells whether it was done.
export async function tryLock(name: string, work: () => Promise<void>): Promise<boolean> {
  const locks = manager();
  if (locks) {
    return locks.request(nameOf(name), { ifAvailable: true }, async (lock) => {
      if (lock) await work();
      return lock !== null;
    });
  }
  await work();
  return true;
}

const manager = () => (globalThis.navigator as Partial<Navigator> | undefined)?.locks;

const nameOf = (name: string) => `sardonyx:${name}`;
