// What a call costs when there is nothing to compute: from the page, and in a worker that runs the engine itself.
import { encodeModel, node, value } from '../tools/onnx/model.mjs';
import { spread } from './statistics.mjs';
import { callInPage, inTurns } from './turns.mjs';

export const CALL_ROWS = [
  { name: 'one float, from the page', place: 'page', size: 1 },
  { name: 'one float, inline in a worker', place: 'worker', size: 1 },
  { name: '65536 floats, from the page', place: 'page', size: 65536 },
  { name: '65536 floats, inline in a worker', place: 'worker', size: 65536 },
];

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

/** {sardonyx: {p50, p90}, onnxruntime: …, ratio}, in microseconds. */
export async function measureCall(browser, base, { place, size, engines, rounds, module, quick }) {
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
  const figures = {};
  for (const engine of engines) {
    figures[engine] = {
      p50: spread(seen.map((round) => round[engine].p50)),
      p90: spread(seen.map((round) => round[engine].p90)),
    };
  }
  if (engines.length < 2) return figures;
  figures.ratio = spread(seen.map(({ sardonyx, onnxruntime }) => onnxruntime.p50 / sardonyx.p50));
  return figures;
}
