// The tables of docs/performance.md, between two marks; the rest of that page is written by hand.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { root } from '../tools/setup/paths.mjs';
import { ms, range, roundsText } from './console.mjs';

const page = join(root, 'docs/performance.md');
const BEGIN = '<!-- bench: written by `npm run bench -- --write` -->';
const END = '<!-- bench: end -->';

const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) =>
  [row(head), row(head.map((_, i) => (i ? '--:' : '---'))), ...rows.map(row)].join('\n');
const percent = (share) => `${Math.round(share * 100)} %`;

function introduction(report) {
  const { machine, peak } = report;
  const { cpu, cores, chromium, onnxruntimeWeb, date, commit } = machine;
  return `Sardonyx and onnxruntime-web ${onnxruntimeWeb} in turns in one Chromium ${chromium.split('.')[0]}, a fresh page each time,
both timed around \`await run()\` on the page's thread; medians over ${roundsText(report)}, with the middle half of the ratios.
A ratio is onnxruntime-web's time by ours. Machine: ${cores} cores of an ${cpu}; ${date}, commit ${commit}. One core
reaches ${peak.gflops.toFixed(1)} GFLOP/s here, reads ${peak.readGBs.toFixed(1)} GB/s and copies ${peak.copyGBs.toFixed(1)} GB/s.`;
}

function summaryTable({ classes, scaling, cold, loading, warm, process, wasm }) {
  const rows = classes.map(({ name, threads, count, ratio, goal, slowest, least }) => [
    `${name}, ${threads} thread${threads > 1 ? 's' : ''} (${count})`,
    `${ratio.toFixed(2)}×`,
    goal ? `${goal}×` : '',
    `${slowest}, ${least.toFixed(2)}×`,
  ]);
  if (scaling) {
    const { threads, count, factor, goal, least } = scaling;
    rows.push([
      `${threads} threads against one, over 5 ms (${count})`,
      ...[`${factor.toFixed(2)}×`, `${goal}×`, `${least.toFixed(2)}×`],
    ]);
  }
  const share = (name, figure) => {
    if (!figure) return;
    const goal = figure.goal ? `≤ ${percent(figure.goal)}` : '';
    rows.push([`${name} (${figure.count})`, percent(figure.share), goal, percent(figure.most)]);
  };
  share('first output, cache cold, share of theirs', cold);
  share('the same from the first script of the page on', loading);
  share('first output, cache warm, share of theirs', warm);
  share('peak memory of the process, share of theirs', process);
  share('wasm memory, share of theirs', wasm);
  return table(['Class (models)', 'geometric mean', 'goal', 'weakest'], rows);
}

function belowList(below) {
  if (!below.length) return '';
  const items = below.map(({ name, threads, ratio, bandwidth, limited }) => {
    const why = limited ? `, at ${percent(bandwidth)} of the memory's bandwidth` : '';
    return `${name} (${threads} thread${threads > 1 ? 's' : ''}: ${ratio.toFixed(2)}×${why})`;
  });
  return `Below 1.1×: ${items.join(', ')}.`;
}

function farthestList(nearness) {
  if (!nearness.length) return '';
  const items = nearness.slice(0, 3).map(({ name, share }) => `${name} ${percent(share)}`);
  return `Farthest from the limit: ${items.join(', ')}. The limit is the least time that the multiply-adds of a network of 2 ms
and more, counted directly, or the reading of its weights take on one core.`;
}

function modelTable({ models, summary, cold = [] }) {
  const counts = [...new Set(models.flatMap((each) => Object.keys(each.threads)))];
  const head = ['Model'];
  for (const threads of counts) {
    const label = `${threads} thread${threads > 1 ? 's' : ''}`;
    head.push(`${label}, ms`, 'onnxruntime-web, ms', 'ratio');
  }
  head.push('of the limit');
  if (cold.length) head.push('first output, ms', 'theirs, ms');
  const rows = models.map((each) => {
    const cells = counts.flatMap((threads) => {
      const { sardonyx, onnxruntime, ratio } = each.threads[threads] ?? {};
      return [sardonyx, onnxruntime]
        .map((engine) => (engine ? ms(engine.ms.median) : '–'))
        .concat(ratio ? range(ratio) : '–');
    });
    const start = cold.find(({ key }) => key === each.key);
    const startCells = ['sardonyx', 'onnxruntime'].map((engine) =>
      start?.[engine] ? Math.round(start[engine].cold.median) : '–',
    );
    const near = summary.nearness.find(({ key }) => key === each.key);
    cells.push(near ? percent(near.share) : '');
    return [each.name, ...cells, ...(cold.length ? startCells : [])];
  });
  return table(head, rows);
}

function variantTable(variants) {
  if (!variants.length) return '';
  const rows = variants.map(({ name, of, threads, ms: own, fp32Ms, ratio }) => [
    ...[name, of, threads, ms(own), ms(fp32Ms), `${ratio.toFixed(2)}×`],
  ]);
  return table(['Variant', 'fp32 of the same network', 'threads', 'ms', 'fp32, ms', 'gain'], rows);
}

function kernelTable(kernels) {
  const rate = ({ unit }, figure) =>
    figure ? `${figure.rate.median.toFixed(1)} ${unit} (${percent(figure.share)})` : '–';
  const rows = kernels.map((each) => [
    each.kernel ? `${each.name} (\`${each.kernel}\`)` : each.name,
    rate(each, each.sardonyx),
    rate(each, each.onnxruntime),
    each.ratio ? range(each.ratio) : '–',
  ]);
  return table(
    ['Kernel (as Sardonyx names it)', 'Sardonyx (of the peak)', 'onnxruntime-web', 'ratio'],
    rows,
  );
}

function callTable(calls) {
  const both = (figure) =>
    figure ? `${Math.round(figure.p50.median)}, ${Math.round(figure.p90.median)}` : '–';
  const rows = calls.map((each) => [each.name, both(each.sardonyx), both(each.onnxruntime)]);
  return table(['An empty call: p50, p90', 'Sardonyx, µs', 'onnxruntime-web, µs'], rows);
}

/** The tables as Markdown. */
export function tables(report) {
  const { summary } = report;
  const parts = [introduction(report)];
  if (report.models)
    parts.push(
      summaryTable(summary),
      belowList(summary.below),
      farthestList(summary.nearness),
      modelTable(report),
      variantTable(summary.variants),
    );
  if (report.kernels) parts.push(kernelTable(report.kernels));
  if (report.calls) parts.push(callTable(report.calls));
  return parts.filter(Boolean).join('\n\n');
}

/** `text` with what lies between the marks replaced. */
export function replaceBetweenMarks(text, between) {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) {
    throw new Error(`docs/performance.md has no marks "${BEGIN}" and "${END}"`);
  }
  return `${text.slice(0, begin)}${BEGIN}\n\n${between}\n\n${text.slice(end)}`;
}

export async function writeTables(report) {
  const text = replaceBetweenMarks(readFileSync(page, 'utf8'), tables(report));
  const config = await resolveConfig(page);
  writeFileSync(page, await format(text, { ...config, filepath: page }));
}
