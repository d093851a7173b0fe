// Runs in a fresh page: opens one model with one engine and times it.
import { digest } from './digest.js';
import { engine } from './engines.js';
import { feedsOf, fetchInputs } from './inputs.js';

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

export async function measure({ url, inputs: inputsUrl, warmMs, measureMs, minRuns, ...options }) {
  const inputs = await fetchInputs(inputsUrl);
  const open = await engine(options);
  const session = await open(url);
  const feeds = feedsOf(session, inputs);
  const run = () => session.run(feeds);
  const results = await run();
  await warmUp(run, warmMs);
  const times = await timeRuns(run, { measureMs, minRuns });
  return { times, outputs: digest(results, session.read), about: session.about() };
}
