// Static quantization: bytes for weights and activations, with the ranges of activations measured beforehand.
// Layers that cost too much precision stay floats.
import type { Job } from '../job.js';
import { nodeName, type Model } from '../model.js';
import { raiseOpset } from '../raise_opset.js';
import { dimsOf } from '../tensor_data.js';
import type { Calibration } from './calibration.js';
import { foldBatchNorms } from './fold_batch_norm.js';
import { layerOf } from './layers.js';
import { Search } from './search.js';

/** From here on DequantizeLinear has an axis. */
const OPSET = 13;

export async function quantizeStatically(
  model: Model,
  job: Job,
  calibration: Calibration,
): Promise<void> {
  raiseOpset(model, OPSET);
  // What they give is renamed.
  for (const node of model.graph.node) node.name = nodeName(node);
  foldBatchNorms(model, (node) => job.isKept(node));
  const search = new Search(model.write(), job, calibration);
  const costly = await search.run();
  for (const node of model.graph.node) {
    const layer = layerOf(model, node);
    const sqnr = costly.get(nodeName(node));
    if (layer === undefined) continue;
    if (job.isKept(node)) job.keep(node, 'it is to be kept');
    else if (typeof layer === 'string') job.keep(node, layer);
    else if (sqnr !== undefined) {
      job.keep(node, `it alone would bring the outputs down to ${sqnr.toFixed(1)} dB`);
    }
  }
  const floats = new Set(costly.keys());
  const { layers, choice, weightSqnr } = await search.trials.quantize(floats, model);
  for (const { node, weight } of layers) {
    const sqnr = search.likenesses.get(choice.endings.get(node)!)?.sqnr;
    job.quantized(node, weight.name, dimsOf(weight), weightSqnr.get(node)!, sqnr);
  }
  for (const name of search.outputs) {
    const likeness = search.likenesses.get(name);
    if (likeness) job.outputs.push({ name, ...likeness });
  }
}
