// Time of a run when everything is warm, for one model and one number of threads.
import { difference } from './agreement.mjs';
import { median, spread } from './statistics.mjs';
import { freshContext, inTurns, visit } from './turns.mjs';

const PACE = { warmMs: 400, measureMs: 400, minRuns: 5 };
const QUICK_PACE = { warmMs: 150, measureMs: 150, minRuns: 3 };

/**
 * {sardonyx: {ms}, onnxruntime: {ms}, ratio, about, flops?, differs?}; `ratio` is onnxruntime-web's time by ours, `flops`
 * what a run has to compute, counted with one thread.
 */
export async function steady(browser, base, which, options) {
  const { engines, rounds, threads, module, quick } = options;
  const open = (engine, more) =>
    freshContext(browser, (context) =>
      visit(context, base, {
        ...{ engine, threads, module, url: which.url, inputs: `/inputs/${which.key}` },
        ...more,
      }),
    );
  const pace = quick ? QUICK_PACE : PACE;
  const seen = await inTurns(engines, rounds, (engine) => open(engine, { steady: pace }));
  const figures = summarize(seen, engines, which.precision);
  if (!engines.includes('sardonyx') || threads > 1) return figures;
  return { ...figures, flops: (await open('sardonyx', { countFlops: true })).flops };
}

function summarize(seen, engines, precision) {
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
