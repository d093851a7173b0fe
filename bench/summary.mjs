// What the figures say in a few numbers, beside what they are meant to be.
import { geometricMean } from './statistics.mjs';
import { variantsOf } from './variants.mjs';

/** Models are small or not by onnxruntime-web's time with one thread, which does not change as Sardonyx does. */
const SMALL_MS = 2;
const SCALING_MS = 5;
const LEAST_RATIO = 1.1;
/** Beyond this share of the memory's bandwidth there is nothing left to gain. */
const BANDWIDTH_SHARE = 0.85;
const LEAST_RATIO_AT_BANDWIDTH = 0.95;

const isNetwork = ({ group }) => group === 'model' || group === 'twin';
const fp32 = (row) => isNetwork(row) && row.precision === 'fp32' && !row.gemmOnly;

export const CLASSES = [
  { name: 'fp32, 2 ms and more', goal: 3, has: (row, small) => fp32(row) && !small },
  { name: 'fp32, under 2 ms', goal: 1.8, has: (row, small) => fp32(row) && small },
  { name: 'GEMM-only twins', goal: 1.8, has: (row) => isNetwork(row) && row.gemmOnly },
  { name: 'quantized', goal: 3, has: (row) => isNetwork(row) && row.precision === 'quantized' },
  { name: 'of 16-bit floats', has: (row) => isNetwork(row) && row.precision === 'fp16' },
  { name: "ONNX's light models", has: ({ group }) => group === 'light' },
];

const measured = (rows, threads) => rows.filter((row) => row.threads[threads]?.ratio);

function isSmall(row) {
  const first = row.threads[1] ?? Object.values(row.threads)[0];
  return first.onnxruntime.ms.median < SMALL_MS;
}

function classesOf(rows, threads) {
  return CLASSES.map(({ name, goal, has }) => {
    const members = measured(rows, threads).filter((row) => has(row, isSmall(row)));
    const ratios = members.map((row) => row.threads[threads].ratio.median);
    if (!ratios.length) return undefined;
    const least = Math.min(...ratios);
    return {
      ...{ name, goal, threads, count: ratios.length, ratio: geometricMean(ratios), least },
      slowest: members[ratios.indexOf(least)].name,
    };
  }).filter(Boolean);
}

/** Networks below the least ratio; `limited` when the memory lets them be no faster. */
function belowOf(rows, threads, peak) {
  return measured(rows, threads)
    .filter((row) => isNetwork(row) && row.threads[threads].ratio.median < LEAST_RATIO)
    .map((row) => {
      const { ratio, sardonyx } = row.threads[threads];
      const share = row.bytes / (sardonyx.ms.median * 1e6) / peak.together[threads];
      const limited = share >= BANDWIDTH_SHARE && ratio.median >= LEAST_RATIO_AT_BANDWIDTH;
      return { name: row.name, threads, ratio: ratio.median, bandwidth: share, limited };
    })
    .sort((a, b) => a.ratio - b.ratio);
}

/**
 * How near fp32 networks of 2 ms and more come to what one core can do: the least time that their multiply-adds, counted
 * directly, or the reading of their weights take, by ours. Winograd's algorithm may pass the whole.
 */
function nearnessOf(rows, peak) {
  return measured(rows, 1)
    .filter((row) => isNetwork(row) && row.precision === 'fp32' && !isSmall(row))
    .filter((row) => row.threads[1].flops !== undefined)
    .map((row) => {
      const { flops, sardonyx } = row.threads[1];
      const ms = sardonyx.ms.median;
      const computing = flops / (peak.gflops * 1e6) / ms;
      const reading = row.bytes / (peak.readGBs * 1e6) / ms;
      return { key: row.key, name: row.name, share: Math.max(computing, reading) };
    })
    .sort((a, b) => a.share - b.share);
}

/** How much faster the models over 5 ms are with the most threads than with one. */
function scalingOf(rows, threads) {
  const most = Math.max(...threads);
  if (most === 1 || !threads.includes(1)) return undefined;
  const factors = rows
    .filter(
      ({ threads: each }) => each[1]?.sardonyx?.ms.median > SCALING_MS && each[most]?.sardonyx,
    )
    .map(({ threads: each }) => each[1].sardonyx.ms.median / each[most].sardonyx.ms.median);
  if (!factors.length) return undefined;
  return {
    ...{ threads: most, count: factors.length, goal: 1.7 },
    factor: geometricMean(factors),
    least: Math.min(...factors),
  };
}

function shareOf(rows, kind, goal) {
  const shares = (rows ?? []).filter((row) => row[kind]).map((row) => row[kind].median);
  if (!shares.length) return undefined;
  return { count: shares.length, share: geometricMean(shares), most: Math.max(...shares), goal };
}

const KERNEL_GOALS = [
  { name: 'GEMM 512×512×512', share: 0.9 },
  { name: 'Conv 3×3, 64→64, 56×56', share: 2 },
  { name: 'Depthwise 3×3, 144, 56×56', share: 0.75 },
  { name: 'Softmax 1536×512', ratio: 4 },
  { name: 'GELU (erf) 384×3072', ratio: 4 },
];

function kernelGoals(kernels = []) {
  return KERNEL_GOALS.flatMap(({ name, share, ratio }) => {
    const row = kernels.find((each) => each.name === name);
    if (!row?.sardonyx) return [];
    if (share) return [{ name, what: 'of the peak', value: row.sardonyx.share, goal: share }];
    return row.ratio ? [{ name, what: 'ratio', value: row.ratio.median, goal: ratio }] : [];
  });
}

export function summarize(report) {
  const { models = [], cold, memory, kernels, peak } = report;
  const threads = [...new Set(models.flatMap((row) => Object.keys(row.threads).map(Number)))];
  return {
    classes: threads.flatMap((count) => classesOf(models, count)),
    nearness: peak ? nearnessOf(models, peak) : [],
    below: threads.flatMap((count) => belowOf(models, count, peak)),
    scaling: scalingOf(models, threads),
    variants: threads.flatMap((count) => variantsOf(models, count)),
    cold: shareOf(cold, 'cold', 0.25),
    loading: shareOf(cold, 'loading'),
    warm: shareOf(cold, 'warm'),
    process: shareOf(memory, 'process', 0.6),
    wasm: shareOf(memory, 'wasm'),
    kernels: kernelGoals(kernels),
  };
}
