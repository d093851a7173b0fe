/** Milliseconds around each `await run()`: at least `minRuns` of them, and for `measureMs`. */
export async function timeRuns(run, { measureMs, minRuns }) {
  const times = [];
  const begin = performance.now();
  while (times.length < minRuns || performance.now() - begin < measureMs) {
    const before = performance.now();
    await run();
    times.push(performance.now() - before);
  }
  return times;
}

/** Runs until the browser's optimizing compiler is through. */
export async function warmUp(run, ms) {
  const begin = performance.now();
  for (let i = 0; i < 2 || performance.now() - begin < ms; i++) await run();
}
