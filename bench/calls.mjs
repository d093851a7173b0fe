// What a call costs when there is nothing to compute: from the page, and in a worker that runs the engine itself.
import { encodeModel, node, value } from '../tools/onnx/model.mjs';
import { spread } from './statistics.mjs';
import { callInPage, inTurns } from './turns.mjs';

const PLACES = ['page', 'worker'];
const SIZES = [1, 65536];

const emptyModel = (size) =>
  encodeModel({
    inputs: [value('x', 'float32', [size])],
    outputs: [value('y', 'float32', [size])],
    nodes: [node('Identity', ['x'], ['y'])],
  });

/** A server mount: /empty/<size>.onnx hands one float tensor on. */
export function emptyModelMount({ path }) {
  const size = Number(/^\/empty\/(\d+)\.onnx$/.exec(path)?.[1]);
  return size ? { body: emptyModel(size), type: 'application/octet-stream' } : undefined;
}

const NAMES = { page: 'from the page', worker: 'inline in a worker' };

async function measureCall(browser, base, { place, size, engines, rounds, module, quick }) {
  const seen = await inTurns(engines, rounds, (engine) =>
    callInPage(browser, base, '/calls.js', place === 'page' ? 'callFromPage' : 'callInWorker', {
      engine,
      threads: 1,
      module,
      url: `/empty/${size}.onnx`,
      size,
      runs: quick ? 300 : 1000,
      batch: place === 'page' ? 1 : 10,
    }),
  );
  const row = { name: `${size === 1 ? 'one float' : `${size} floats`}, ${NAMES[place]}` };
  for (const engine of engines) {
    row[engine] = {
      p50: spread(seen.map((round) => round[engine].p50)),
      p90: spread(seen.map((round) => round[engine].p90)),
    };
  }
  if (engines.length < 2) return row;
  row.ratio = spread(seen.map(({ sardonyx, onnxruntime }) => onnxruntime.p50 / sardonyx.p50));
  return row;
}

/** Rows {name, sardonyx: {p50, p90}, onnxruntime: …, ratio}, in microseconds. */
export async function* measureCalls(browser, base, options) {
  for (const size of SIZES) {
    for (const place of PLACES) yield await measureCall(browser, base, { ...options, place, size });
  }
}
