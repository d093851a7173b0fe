// Times of single kernels against the machine's peak, for both engines.
import { KERNEL_ROWS } from './kernel_rows.mjs';
import { seededInputs } from './inputs.mjs';
import { median, spread } from './statistics.mjs';
import { callInPage, inTurns } from './turns.mjs';

const MODELS = ['call', 'longer'];

/** A server mount: /kernels/<row>/<model> is an .onnx file, /kernels/<row>/<model>/inputs lists its inputs. */
export function kernelsMount() {
  const made = new Map();
  const modelOf = (row, name) => {
    const key = `${row}/${name}`;
    if (!made.has(key)) made.set(key, KERNEL_ROWS[row][name]());
    return made.get(key);
  };
  return ({ path }) => {
    const [, , row, name, , index] = path.split('/');
    if (!KERNEL_ROWS[row] || !MODELS.includes(name)) return undefined;
    const { bytes, inputs } = modelOf(row, name);
    if (!path.includes('/inputs')) return { body: bytes, type: 'application/octet-stream' };
    const tensors = seededInputs(inputs);
    if (index !== undefined) return { body: tensors[index].bytes };
    return {
      body: JSON.stringify(tensors.map(({ name, dtype, dims }) => ({ name, dtype, dims }))),
    };
  };
}

const modelUrls = (row) =>
  Object.fromEntries(
    MODELS.map((name) => {
      const url = `/kernels/${row}/${name}`;
      return [name, { url, inputs: `${url}/inputs` }];
    }),
  );

/** Milliseconds of one kernel; at least a nanosecond, as noise can hide a fast one. */
const kernelMs = ({ call, longer }, { times, streamed }) =>
  Math.max(1e-6, (median(longer) - (streamed ? 0 : median(call))) / times);

/**
 * Of one row: {name, kernel, unit, peak, sardonyx: {rate, share, kernelMs, callMs}, onnxruntime: …, ratio}. `rate` is in
 * `unit`, `share` of the machine's peak, `kernel` what Sardonyx calls it.
 */
export async function measureKernel(browser, base, row, options) {
  const { engines, rounds, module, quick, peak } = options;
  const { name, flops, bytes, peak: kind = 'fma' } = row;
  const seen = await inTurns(engines, rounds, (engine) =>
    callInPage(browser, base, '/kernel.js', 'timeModels', {
      engine,
      threads: 1,
      module,
      models: modelUrls(KERNEL_ROWS.indexOf(row)),
      warmMs: quick ? 150 : 400,
      measureMs: quick ? 150 : 400,
    }),
  );
  const limit = { fma: peak.gflops, read: peak.readGBs, copy: peak.copyGBs }[kind];
  const kernel = seen[0].sardonyx?.kernel;
  const figures = { name, kernel, unit: flops ? 'GFLOP/s' : 'GB/s', peak: kind, limit };
  for (const engine of engines) {
    const times = seen.map((round) => kernelMs(round[engine], row));
    const rate = spread(times.map((ms) => (flops ?? bytes) / ms / 1e6));
    figures[engine] = {
      rate,
      share: rate.median / limit,
      kernelMs: spread(times),
      callMs: spread(seen.map((round) => median(round[engine].call))),
    };
  }
  if (engines.length < 2) return figures;
  figures.ratio = spread(
    seen.map((round) => kernelMs(round.onnxruntime, row) / kernelMs(round.sardonyx, row)),
  );
  return figures;
}
