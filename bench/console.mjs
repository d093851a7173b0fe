// Figures as text, and lines for the terminal while the bench runs.

export const ms = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(1));

export const range = ({ median, q1, q3 }) =>
  `${median.toFixed(2)} (${q1.toFixed(2)}–${q3.toFixed(2)})`;

/** "7 rounds", or "3 to 7 rounds" where parts were measured apart. */
export function roundsText({ rounds, models = [], cold = [], memory = [] }) {
  const figures = [...models.flatMap((row) => Object.values(row.threads)), ...cold, ...memory];
  const counts = [rounds, ...figures.map((each) => each.rounds).filter(Boolean)];
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const from = least < most ? `${least} to ` : '';
  return `${from}${most} round${most > 1 ? 's' : ''}`;
}

const FIRST = 40;
const OTHERS = 20;

/** A heading, or a row: the first cell to the left, the others to the right. */
export function print([first, ...others]) {
  const cells = others.map((cell) => String(cell ?? '').padStart(OTHERS));
  console.log([String(first).padEnd(FIRST), ...cells].join(' ').trimEnd());
}

const goalOf = (met, goal) => `${met ? 'as wanted' : 'short of'} ${goal}`;

/** The summary, one line each. */
export function printSummary({ summary, brotliBytes = {} }) {
  const {
    classes,
    nearness,
    variants,
    below,
    scaling,
    cold,
    loading,
    warm,
    process,
    wasm,
    kernels,
  } = summary;
  print(['summary', 'geometric mean', 'weakest']);
  for (const { name, threads, count, ratio, goal, slowest, least } of classes) {
    const label = `${name} (${count}), threads: ${threads}`;
    const weakest = `${slowest} ${least.toFixed(2)}×`;
    print([label, `${ratio.toFixed(2)}×`, weakest, goal && goalOf(ratio >= goal, `${goal}×`)]);
  }
  if (scaling) {
    const { threads, count, factor, least, goal } = scaling;
    const label = `${threads} threads against one (${count})`;
    const met = goalOf(factor >= goal, `${goal}×`);
    print([label, `${factor.toFixed(2)}×`, `${least.toFixed(2)}×`, met]);
  }
  const shares = {
    'first output, cache cold': cold,
    'from the first script on': loading,
    'first output, cache warm': warm,
  };
  for (const [name, each] of Object.entries({ ...shares, 'peak memory': process, wasm })) {
    if (!each) continue;
    const met = each.goal && goalOf(each.share <= each.goal, each.goal);
    print([
      `${name}, share of theirs (${each.count})`,
      each.share.toFixed(2),
      each.most.toFixed(2),
      met,
    ]);
  }
  for (const { name, what, value, goal } of kernels) {
    print([`${name}, ${what}`, value.toFixed(2), '', goalOf(value >= goal, goal)]);
  }
  for (const { name, of, threads, ratio } of variants) {
    print([`${name} against our ${of}, threads: ${threads}`, `${ratio.toFixed(2)}×`]);
  }
  for (const { name, share } of nearness.slice(0, 3)) {
    print([`farthest from the limit: ${name}`, share.toFixed(2)]);
  }
  for (const { name, threads, ratio, bandwidth, limited } of below) {
    const why = limited ? `${Math.round(bandwidth * 100)} % of the memory's bandwidth` : '';
    print([`below 1.1×: ${name}, threads: ${threads}`, `${ratio.toFixed(2)}×`, why]);
  }
  for (const [engine, bytes] of Object.entries(brotliBytes))
    print([`JavaScript and wasm of ${engine}, brotli`, `${Math.round(bytes / 1024)} KiB`]);
}
