// The parts of a bench: what each measures, and the lines that it prints.
import { CALL_ROWS, measureCall } from './calls.mjs';
import { coldStart } from './cold.mjs';
import { ms, print, range } from './console.mjs';
import { KERNEL_ROWS } from './kernel_rows.mjs';
import { measureKernel } from './kernels.mjs';
import { emptyPagePeak, peakMemory } from './memory.mjs';
import { steady } from './steady.mjs';

const describe = ({ key, name, group, precision, gemmOnly, bytes }) => ({
  ...{ key, name, group, precision, gemmOnly, bytes },
});

/** One figure of a case; a failure is a figure too, so that the others are still measured. */
const attempt = (work) =>
  work().catch((error) => ({ error: String(error.message).split('\n')[0] }));

const problem = ({ error, differs }) => error ?? differs;

const PART_OF_GROUP = { model: 'models', light: 'models', twin: 'twins' };

export async function benchModels({ browser, server, cases, options }) {
  print(['model, ms per run', ...options.engines, 'ratio']);
  const wanted = ({ group }) => options.parts.includes(PART_OF_GROUP[group]) || group === 'file';
  const rows = [];
  for (const which of cases.filter(wanted)) {
    const row = { ...describe(which), threads: {} };
    for (const threads of options.threads) {
      const figures = await attempt(async () =>
        steady(await browser.current(), server.url, which, { ...options, threads }),
      );
      row.threads[threads] = figures;
      const times = options.engines.map(
        (engine) => figures[engine] && ms(figures[engine].ms.median),
      );
      const label = `${which.name}, ${threads} thread${threads > 1 ? 's' : ''}`;
      print([label, ...times, figures.ratio && range(figures.ratio), problem(figures)]);
    }
    rows.push(row);
  }
  return rows;
}

export async function benchKernels({ browser, server, options, peak }) {
  print(['kernel, share of the peak', ...options.engines, 'ratio']);
  const rows = [];
  for (const which of KERNEL_ROWS.filter(({ name }) => name.includes(options.kernels))) {
    const row = await attempt(async () =>
      measureKernel(await browser.current(), server.url, which, { ...options, peak }),
    );
    rows.push({ name: which.name, ...row });
    if (row.error) {
      print([which.name, row.error]);
      continue;
    }
    const rates = options.engines.map(
      (engine) =>
        `${row[engine].rate.median.toFixed(1)} ${row.unit} ${Math.round(row[engine].share * 100)} %`,
    );
    print([row.name, ...rates, row.ratio && range(row.ratio)]);
  }
  return rows;
}

export async function benchCalls({ browser, server, options }) {
  print(['call, µs: p50 and p90', ...options.engines, 'ratio']);
  const rows = [];
  for (const { name, ...which } of CALL_ROWS) {
    const row = await attempt(async () =>
      measureCall(await browser.current(), server.url, { ...which, ...options }),
    );
    const times = options.engines.map(
      (engine) =>
        row[engine] &&
        `${Math.round(row[engine].p50.median)} ${Math.round(row[engine].p90.median)}`,
    );
    print([name, ...times, row.ratio && range(row.ratio), problem(row)]);
    rows.push({ name, ...row });
  }
  return rows;
}

const startable = ({ group }) => group !== 'light';

export async function benchCold({ server, cases, options }) {
  print(['first output, ms: cache cold, warm', ...options.engines, 'share']);
  const rows = [];
  const starting = cases.filter(startable);
  // The server compresses the libraries at the first visit.
  if (starting.length)
    await attempt(() => coldStart(server, starting[0], { ...options, rounds: 1 }));
  for (const which of starting) {
    const figures = await attempt(() => coldStart(server, which, options));
    const times = options.engines.map(
      (engine) =>
        figures[engine] &&
        `${Math.round(figures[engine].cold.median)}, ${Math.round(figures[engine].warm.median)}`,
    );
    print([which.name, ...times, figures.cold && range(figures.cold), problem(figures)]);
    rows.push({ ...describe(which), ...figures });
  }
  return rows;
}

export async function benchMemory({ server, cases, options }) {
  const emptyPage = await emptyPagePeak(server.url);
  print(['peak memory, MB: process, wasm', ...options.engines, 'share']);
  const rows = [];
  for (const which of cases.filter(startable)) {
    const figures = await attempt(() => peakMemory(server.url, which, { ...options, emptyPage }));
    const megabytes = ({ median }) => Math.round(median / 1e6);
    const sizes = options.engines.map(
      (engine) =>
        figures[engine] &&
        `${megabytes(figures[engine].process)}, ${megabytes(figures[engine].wasm)}`,
    );
    print([which.name, ...sizes, figures.process && range(figures.process), problem(figures)]);
    rows.push({ ...describe(which), ...figures });
  }
  return rows;
}
