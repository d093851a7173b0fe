// One tab at a time does what the lock is named after.

// As long as a download may keep others waiting.
const WAIT_MS = 30_000;

// Resolves with what gives the lock back. Without Web Locks, and after a long wait, it is not held: its
// users stay right without it, but may do something twice.
export function acquireLock(name: string, ms = WAIT_MS): Promise<() => void> {
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  const nothing = () => undefined;
  if (!locks) return Promise.resolve(nothing);
  return new Promise((resolve) => {
    const held = () => new Promise<void>((release) => resolve(release));
    locks
      .request(`sardonyx:${name}`, { signal: AbortSignal.timeout(ms) }, held)
      .catch(() => resolve(nothing));
  });
}
