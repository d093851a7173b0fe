// Time of a run when everything is warm, for one model and one number of threads.
import { difference } from './agreement.mjs';
import { median, spread } from './statistics.mjs';
import { callInPage, freshPage, inTurns } from './turns.mjs';

/** {sardonyx: {ms}, onnxruntime: {ms}, ratio, about, differs?}; `ratio` is onnxruntime-web's time by ours. */
export async function steady(browser, base, which, { engines, threads, rounds, module, quick }) {
  const pace = quick ? { warmMs: 150, measureMs: 150 } : { warmMs: 400, measureMs: 400 };
  const visit = (engine) =>
    freshPage(browser, base, (page) =>
      callInPage(page, '/measure.js', 'measure', {
        engine,
        threads,
        module: engine === 'sardonyx' ? module : undefined,
        url: which.url,
        inputs: `/inputs/${which.key}`,
        minRuns: 5,
        ...pace,
      }),
    );
  return summarize(await inTurns(engines, rounds, visit), engines, which.precision);
}

export function summarize(seen, engines, precision) {
  const figures = { rounds: seen.length };
  for (const engine of engines) {
    figures[engine] = { ms: spread(seen.map((round) => median(round[engine].times))) };
  }
  if (seen[0].sardonyx) figures.about = seen[0].sardonyx.about;
  if (engines.length < 2) return figures;
  figures.ratio = spread(
    seen.map(({ sardonyx, onnxruntime }) => median(onnxruntime.times) / median(sardonyx.times)),
  );
  const differs = difference(seen[0].sardonyx.outputs, seen[0].onnxruntime.outputs, precision);
  return differs ? { ...figures, differs } : figures;
}
