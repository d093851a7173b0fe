// Waits for `work`, or rejects with signal.reason as soon as the caller does not wait any more.
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    const done = () => signal.removeEventListener('abort', abort);
    work
      .then(resolve, reject)
      .finally(done)
      .catch(() => undefined);
  });
}
