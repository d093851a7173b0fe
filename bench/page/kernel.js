// Times several small models with one engine, in turns.
import { engine } from './engines.js';
import { feedsOf, fetchInputs } from './inputs.js';
import { timeRuns, warmUp } from './timing.js';

const TURNS = 4;

async function openModel(open, { url, inputs }) {
  const [session, tensors] = await Promise.all([open(url), fetchInputs(inputs)]);
  const feeds = feedsOf(session, tensors);
  return { run: () => session.run(feeds), kernel: () => session.kernel?.(feeds) };
}

/** `models` {name: {url, inputs}}; gives {name: milliseconds of each run}, and the `kernel` of the model `call`. */
export async function timeModels({ models, warmMs, measureMs, ...options }) {
  const open = await engine(options);
  const opened = {};
  for (const [name, model] of Object.entries(models)) opened[name] = await openModel(open, model);
  for (const { run } of Object.values(opened))
    await warmUp(run, warmMs / Object.keys(opened).length);
  const times = {};
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [name, { run }] of Object.entries(opened)) {
      const pace = { measureMs: measureMs / TURNS, minRuns: 2 };
      times[name] = [...(times[name] ?? []), ...(await timeRuns(run, pace))];
    }
  }
  return { ...times, kernel: await opened.call.kernel() };
}
