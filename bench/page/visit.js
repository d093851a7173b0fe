// The script of visit.html: opens a model as soon as the page is there, and then does what the address asks for.
import { digest } from './digest.js';
import { engine } from './engines.js';
import { feedsOf, fetchInputs } from './inputs.js';
import { timeRuns, warmUp } from './timing.js';

const opened = performance.now();

/**
 * Times from the navigation, in milliseconds: `opened` is when this script began, `firstOutput` the first result in the
 * page's hands.
 */
async function visit({ url, inputs: inputsUrl, steady, countFlops, ...options }) {
  const [open, inputs] = await Promise.all([engine(options), fetchInputs(inputsUrl)]);
  const session = await open(url);
  const feeds = feedsOf(session, inputs);
  const run = () => session.run(feeds);
  const results = await run();
  const firstOutput = performance.now();
  const seen = {
    opened,
    firstOutput,
    outputs: digest(results, session.read),
    about: session.about(),
  };
  if (countFlops) return { ...seen, flops: await session.flops(feeds) };
  if (!steady) return seen;
  await warmUp(run, steady.warmMs);
  const times = await timeRuns(run, steady);
  // Threads may have joined since.
  return { ...seen, times, about: session.about() };
}

const options = JSON.parse(new URLSearchParams(location.search).get('options'));
globalThis.visited = visit(options);
globalThis.visited.catch(() => undefined); // reported to who awaits it
