// The report: one HTML page without scripts, with everything in it.
import { ms, range, roundsText } from './console.mjs';
import { style } from './report_style.mjs';

const escape = (text) =>
  String(text).replace(
    /[&<>"]/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c],
  );

const percent = (share) => `${Math.round(share * 100)} %`;
const many = (count, what) => `${count} ${what}${count > 1 ? 's' : ''}`;
const ofThreads = (threads) => many(threads, 'thread');

/** A figure of the summary; `met` is undefined where nothing was aimed at. */
function tile({ title, value, note, met }) {
  const state = met === undefined ? '' : met ? ' met' : ' short';
  return `<li class="tile${state}"><h3>${escape(title)}</h3><p class="value">${escape(value)}</p><p>${escape(note)}</p></li>`;
}

function shareTile(title, figure) {
  if (!figure) return '';
  const { share, goal, most, count } = figure;
  return tile({
    title,
    value: percent(share),
    note: `${goal ? `goal ≤ ${percent(goal)}, ` : ''}of theirs; ${many(count, 'model')}, most ${percent(most)}`,
    met: goal && share <= goal,
  });
}

function tiles({ classes, scaling, cold, warm, process, wasm }) {
  const all = classes.map(({ name, threads, ratio, goal, count, slowest, least }) =>
    tile({
      title: `${name}, ${ofThreads(threads)}`,
      value: `${ratio.toFixed(2)}×`,
      note: `${goal ? `goal ${goal}×, ` : ''}${many(count, 'model')}, least ${least.toFixed(2)}× (${slowest})`,
      met: goal && ratio >= goal,
    }),
  );
  if (scaling) {
    const { threads, factor, goal, count, least } = scaling;
    all.push(
      tile({
        title: `${ofThreads(threads)} against one`,
        value: `${factor.toFixed(2)}×`,
        note: `goal ${goal}×, ${many(count, 'model')} over 5 ms, least ${least.toFixed(2)}×`,
        met: factor >= goal,
      }),
    );
  }
  all.push(
    shareTile('First output, cache cold', cold),
    shareTile('First output, cache warm', warm),
  );
  all.push(shareTile('Peak memory of the page', process), shareTile('wasm memory', wasm));
  return `<ul class="tiles">${all.join('')}</ul>`;
}

/** One bar: its length and the ends of the middle half, as shares of the scale. */
function bar(kind, value, scale, text, spread) {
  const at = (x) => `${Math.min(100, (100 * x) / scale).toFixed(2)}%`;
  const whisker = spread
    ? `<i class="whisker" style="left:${at(spread.q1)};right:calc(100% - ${at(spread.q3)})"></i>`
    : '';
  return `<div class="bar ${kind}"><span style="width:${at(value)}"></span>${whisker}<b>${escape(text)}</b></div>`;
}

/** `rows`: {name, bars: [html], note}; `marks`: {at, text} as shares of the scale. */
function chart(rows, { marks = [], scale }) {
  const lines = marks
    .map(({ at }) => `<i class="mark" style="left:${((100 * at) / scale).toFixed(2)}%"></i>`)
    .join('');
  const items = rows.map(
    ({ name, bars, note }) =>
      `<div class="row"><div class="name">${escape(name)}<small>${escape(note ?? '')}</small></div><div class="bars">${lines}${bars.join('')}</div></div>`,
  );
  return `<div class="chart">${items.join('')}</div>`;
}

const LEGEND =
  '<p class="legend"><span class="ours">Sardonyx</span><span class="theirs">onnxruntime-web</span></p>';

const section = (title, text, content) =>
  `<section><h2>${escape(title)}</h2><p>${escape(text)}</p>${content}</section>`;

function ratioSection(models, threads) {
  const rows = models
    .filter((row) => row.threads[threads]?.ratio)
    .sort((a, b) => b.threads[threads].ratio.median - a.threads[threads].ratio.median);
  if (!rows.length) return '';
  const scale = Math.max(4, ...rows.map((row) => row.threads[threads].ratio.q3)) * 1.02;
  const charted = rows.map((row) => {
    const { ratio, sardonyx, onnxruntime } = row.threads[threads];
    const kind = ratio.median < 1 ? 'ours slower' : 'ours';
    return {
      name: row.name,
      note: `${row.precision}, ${ms(sardonyx.ms.median)} ms, theirs ${ms(onnxruntime.ms.median)} ms`,
      bars: [bar(kind, ratio.median, scale, `${ratio.median.toFixed(2)}×`, ratio)],
    };
  });
  return section(
    `Models, ${ofThreads(threads)}`,
    'How much faster than onnxruntime-web. The line is 1×, the thin one the middle half of the rounds.',
    chart(charted, { marks: [{ at: 1 }], scale }),
  );
}

/** Sardonyx alone, when there is nothing to compare it with. */
function timesSection(models, threads) {
  const rows = models.filter(
    ({ threads: each }) => each[threads]?.sardonyx && !each[threads].ratio,
  );
  if (!rows.length) return '';
  const scale = Math.max(...rows.map((row) => row.threads[threads].sardonyx.ms.q3)) * 1.02;
  const charted = rows.map((row) => {
    const time = row.threads[threads].sardonyx.ms;
    return {
      name: row.name,
      bars: [bar('ours', time.median, scale, `${ms(time.median)} ms`, time)],
    };
  });
  return section(
    `Models, ${ofThreads(threads)}`,
    'Milliseconds per run.',
    chart(charted, { scale }),
  );
}

function variantSection(variants, threads) {
  const rows = variants.filter((row) => row.threads === threads);
  if (!rows.length) return '';
  const scale = Math.max(2, ...rows.map(({ ratio }) => ratio)) * 1.02;
  const charted = rows.map(({ name, of, ms: own, fp32Ms, ratio }) => ({
    name,
    note: `${ms(own)} ms, ${of} ${ms(fp32Ms)} ms`,
    bars: [bar(ratio < 1 ? 'ours slower' : 'ours', ratio, scale, `${ratio.toFixed(2)}×`)],
  }));
  return section(
    `Quantized against our own fp32, ${ofThreads(threads)}`,
    'How much faster a file with smaller numbers is than fp32 of the same network. The line is 1×.',
    chart(charted, { marks: [{ at: 1 }], scale }),
  );
}

/** Two bars a row, ours and theirs. */
function pairs(rows, { value, text, note, scale, marks }) {
  const charted = rows.map((row) => ({
    name: row.name,
    note: note?.(row),
    bars: ['sardonyx', 'onnxruntime']
      .filter((engine) => row[engine])
      .map((engine) => {
        const kind = engine === 'sardonyx' ? 'ours' : 'theirs';
        return bar(kind, value(row[engine]), scale, text(row[engine], row));
      }),
  }));
  return LEGEND + chart(charted, { scale, marks });
}

function largest(rows, value) {
  const both = rows.flatMap(({ sardonyx, onnxruntime }) => [sardonyx, onnxruntime].filter(Boolean));
  return Math.max(...both.map(value)) * 1.02;
}

const LIMITS = { fma: 'of multiply-adds', read: 'of reading', copy: 'of copying' };

function kernelSection(all) {
  const kernels = all?.filter((row) => row.sardonyx);
  if (!kernels?.length) return '';
  const value = ({ share }) => share;
  const content = pairs(kernels, {
    value,
    text: ({ rate, share }, { unit }) => `${rate.median.toFixed(1)} ${unit}, ${percent(share)}`,
    note: ({ ratio, peak, kernel }) =>
      [ratio && `${range(ratio)}×`, LIMITS[peak], kernel].filter(Boolean).join(', '),
    scale: Math.max(1.1, largest(kernels, value)),
    marks: [{ at: 1 }],
  });
  const text = 'Share of what one core of this machine can do at most, which is the line.';
  return section('Kernels, one thread', text, content);
}

function callSection(all) {
  const calls = all?.filter((row) => row.sardonyx);
  if (!calls?.length) return '';
  const value = ({ p50 }) => p50.median;
  const content = pairs(calls, {
    value,
    text: ({ p50, p90 }) => `${Math.round(p50.median)} µs, p90 ${Math.round(p90.median)}`,
    scale: largest(calls, value),
  });
  return section('An empty call', 'Median time of a run that has nothing to compute.', content);
}

function coldSection(cold, cache) {
  const rows = (cold ?? []).filter((row) => row.sardonyx?.[cache]);
  if (!rows.length) return '';
  const value = (figure) => figure[cache].median;
  const content = pairs(rows, {
    value,
    text: (figure) =>
      `${Math.round(value(figure))} ms${cache === 'cold' ? `, ${(figure.bytes / 1e6).toFixed(1)} MB` : ''}`,
    note: (row) => (row[cache] ? `${percent(row[cache].median)} of theirs` : ''),
    scale: largest(rows, value),
  });
  const text = 'From opening the page to the first output, and the bytes that came for it.';
  return section(`First output, cache ${cache}`, text, content);
}

function memorySection(memory) {
  const rows = (memory ?? []).filter((row) => row.sardonyx);
  if (!rows.length) return '';
  const value = ({ process }) => process.median;
  const content = pairs(rows, {
    value,
    text: ({ process, wasm, counted }) =>
      [process, wasm, counted].map((each) => Math.round(each.median / 1e6)).join(' / ') + ' MB',
    note: (row) => (row.process ? `${percent(row.process.median)} of theirs` : ''),
    scale: largest(rows, value),
  });
  const text =
    'Most memory of the page’s process beyond an empty page; then wasm memory, and what measureUserAgentSpecificMemory counts.';
  return section('Peak memory', text, content);
}

function problems({ models = [], kernels = [], calls = [], cold = [], memory = [] }) {
  const items = [
    ...models.flatMap((row) =>
      Object.values(row.threads).map((each) => ({ ...each, name: row.name })),
    ),
    ...[...kernels, ...calls, ...cold, ...memory],
  ].filter(({ error, differs }) => error ?? differs);
  if (!items.length) return '';
  const list = items.map(
    ({ name, error, differs }) => `<li>${escape(name)}: ${escape(error ?? differs)}</li>`,
  );
  return `<section class="problems"><h2>Failed</h2><ul>${list.join('')}</ul></section>`;
}

function machineLine(report) {
  const { machine, peak } = report;
  const { cpu, cores, chromium, onnxruntimeWeb, date, commit } = machine;
  return [
    `${date}, commit ${commit}`,
    `${cpu}, ${cores} cores`,
    `Chromium ${chromium}, onnxruntime-web ${onnxruntimeWeb}`,
    `medians over ${roundsText(report)}`,
    `one core: ${peak.gflops.toFixed(1)} GFLOP/s, reads ${peak.readGBs.toFixed(1)} GB/s, copies ${peak.copyGBs.toFixed(1)} GB/s`,
  ]
    .map(escape)
    .join('<br>');
}

/** The page's HTML. */
export function reportPage(report) {
  const { models = [], kernels, calls, cold, memory, summary } = report;
  const threads = [...new Set(models.flatMap((row) => Object.keys(row.threads).map(Number)))];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sardonyx bench</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header><h1>Sardonyx bench</h1><p>${machineLine(report)}</p></header>
<main>
${problems(report)}
${tiles(summary)}
${threads.map((count) => ratioSection(models, count) + timesSection(models, count)).join('')}
${threads.map((count) => variantSection(summary.variants, count)).join('')}
${kernelSection(kernels)}
${callSection(calls)}
${coldSection(cold, 'cold')}
${coldSection(cold, 'warm')}
${memorySection(memory)}
</main>
</body>
</html>
`;
}
