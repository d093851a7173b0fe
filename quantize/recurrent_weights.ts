// LSTM, GRU and RNN: their weights are int8 in the file, with a scale per gate and unit, and become floats again when a
// model is loaded. Steps are short and wait for each other, so integers would not make them faster.
import { quantizeAlone } from './integer_weights.js';
import type { Job } from './job.js';
import { isOperator, type Model } from './model.js';
import { makeNode } from './nodes.js';
import type { NodeProto, TensorProto } from './onnx_pb.generated.js';
import { countOf, dimsOf, floatsOf, makeTensor, whyNoNumbers } from './tensor_data.js';

/** DequantizeLinear has scales along an axis from here on. */
export const RECURRENT_OPSET = 13;

/** Inputs W and R: [directions, gates * units, inputs]. */
const WEIGHTS = [1, 2];
const AXIS = 1;

/** Below, scales and nodes take about as many bytes as are saved. */
const LEAST = 1024;

export interface RecurrentLayer {
  readonly node: NodeProto;
  readonly weights: readonly TensorProto[];
}

function weightsOf(model: Model, node: NodeProto): RecurrentLayer | string | undefined {
  if (!isOperator(node, 'LSTM', 'GRU', 'RNN')) return undefined;
  const weights = WEIGHTS.flatMap((i) => model.constant(node.input[i]) ?? []);
  if (weights.length === 0) return undefined;
  const reason = weights.map(whyNoNumbers).find((why) => why !== undefined);
  if (reason !== undefined) return `one of its weights ${reason}`;
  if (weights.some((weight) => dimsOf(weight).length !== 3)) return 'its weights have not 3 dims';
  const large = weights.filter((weight) => countOf(weight) >= LEAST);
  return large.length > 0
    ? { node, weights: large }
    : `its weights have less than ${LEAST} numbers`;
}

/** The layers of the main graph that the job may change; it is told of the others. */
export const findRecurrent = (model: Model, job: Job): RecurrentLayer[] =>
  model.graph.node.flatMap((node) => job.take(node, weightsOf(model, node)) ?? []);

/** Writes nodes; weights that layers share are written once. */
export class RecurrentWriter {
  readonly #floats = new Map<string, { readonly name: string; readonly sqnr: number }>();

  constructor(readonly model: Model) {}

  /** What stands before the layer, which reads it from now on. */
  layer({ node, weights }: RecurrentLayer, job: Job): NodeProto[] {
    return weights.flatMap((weight) => {
      const written: NodeProto[] = [];
      let known = this.#floats.get(weight.name);
      if (!known) {
        const { made, sqnr } = this.#weight(weight);
        written.push(made);
        known = { name: made.output[0]!, sqnr };
        this.#floats.set(weight.name, known);
      }
      for (const i of WEIGHTS) if (node.input[i] === weight.name) node.input[i] = known.name;
      job.quantized(node, weight.name, dimsOf(weight), known.sqnr);
      return written;
    });
  }

  #weight(weight: TensorProto): { made: NodeProto; sqnr: number } {
    const { model } = this;
    const [dims, { name }] = [dimsOf(weight), weight];
    const { codes, scales, sqnr } = quantizeAlone(floatsOf(weight), dims, AXIS);
    const fresh = (suffix: string) => model.freshName(name, suffix);
    const inputs = [
      model.addConstant(makeTensor(fresh('int8'), 'int8', dims, codes)),
      model.addConstant(makeTensor(fresh('scale'), 'float32', [scales.length], scales)),
    ];
    const output = fresh('float32');
    const attributes = { axis: AXIS };
    return {
      made: makeNode('DequantizeLinear', inputs, [output], { name: output, attributes }),
      sqnr,
    };
  }
}
