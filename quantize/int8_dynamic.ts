// Products of int8 weights and activations whose range is measured in each run: DynamicQuantizeLinear,
// MatMulInteger, and the two scales as factors behind it. Weights are symmetric, with a scale per column.
import { quantizeAlone, type IntegerWeights } from './integer_weights.js';
import type { Job } from './job.js';
import { nodeName, type Model } from './model.js';
import { makeNode } from './nodes.js';
import type { NodeProto } from './onnx_pb.generated.js';
import { addBias, findProducts, type Product, type WeightMatrix } from './product.js';
import { raiseOpset } from './raise_opset.js';
import { findRecurrent, RECURRENT_OPSET, RecurrentWriter } from './recurrent_weights.js';
import { FLOAT, makeTensor } from './tensor_data.js';

/** Longer sums of u8 · s8 can leave int32. */
const MOST_ROWS = Math.floor((2 ** 31 - 1) / (255 * 128));

interface Quantized {
  readonly values: string;
  readonly scales: string;
  readonly sqnr: number;
}

interface Activation {
  readonly values: string;
  readonly scale: string;
  readonly zero: string;
}

/** With a scale per column. */
function quantizeColumns(weight: WeightMatrix, alpha: number): IntegerWeights {
  const { rows, columns, data, rowStep, columnStep } = weight;
  const values = new Float32Array(rows * columns);
  for (let row = 0, to = 0; row < rows; row++) {
    for (let column = 0, at = row * rowStep; column < columns; column++, at += columnStep) {
      values[to++] = data[at]! * alpha;
    }
  }
  return quantizeAlone(values, [rows, columns], 1);
}

/** Writes nodes; what several of them share is written once. */
class Writer {
  readonly #weights = new Map<string, Quantized>();
  readonly #activations = new Map<string, Activation>();

  constructor(readonly model: Model) {}

  weight({ weight, alpha }: Product): Quantized {
    const key = JSON.stringify([weight.name, weight.rowStep, alpha]);
    const known = this.#weights.get(key);
    if (known) return known;
    const { rows, columns, name } = weight;
    const { scales, codes, sqnr } = quantizeColumns(weight, alpha);
    const { model } = this;
    const made = {
      values: model.addConstant(
        makeTensor(model.freshName(name, 'int8'), 'int8', [rows, columns], codes),
      ),
      scales: model.addConstant(
        makeTensor(model.freshName(name, 'scale'), 'float32', [columns], scales),
      ),
      sqnr,
    };
    this.#weights.set(key, made);
    return made;
  }

  /** The node is there when the value has not been quantized before. */
  activation(name: string): Activation & { node?: NodeProto } {
    const known = this.#activations.get(name);
    if (known) return known;
    const fresh = (suffix: string) => this.model.freshName(name, suffix);
    const made = { values: fresh('uint8'), scale: fresh('scale'), zero: fresh('zero_point') };
    this.#activations.set(name, made);
    const outputs = [made.values, made.scale, made.zero];
    return {
      ...made,
      node: makeNode('DynamicQuantizeLinear', [name], outputs, { name: fresh('quantize') }),
    };
  }

  product(node: NodeProto, product: Product, weight: Quantized): NodeProto[] {
    const { values, scale, zero, node: quantize } = this.activation(product.a);
    const name = nodeName(node);
    const fresh = (suffix: string) => this.model.freshName(name, suffix);
    const [sum, floats, factor] = [fresh('int32'), fresh('float32'), fresh('scale')];
    const output = node.output[0]!;
    const scaled = product.bias === undefined ? output : fresh('scaled');
    return [
      ...(quantize ? [quantize] : []),
      makeNode('MatMulInteger', [values, weight.values, zero], [sum], { name }),
      makeNode('Cast', [sum], [floats], { name: floats, attributes: { to: FLOAT } }),
      makeNode('Mul', [scale, weight.scales], [factor], { name: factor }),
      makeNode('Mul', [floats, factor], [scaled], { name: fresh('rescale') }),
      ...(product.bias === undefined ? [] : [addBias(fresh('bias'), scaled, product.bias, output)]),
    ];
  }
}

export async function quantizeDynamically(model: Model, job: Job): Promise<void> {
  raiseOpset(model, 11);
  const replaced = new Map<NodeProto, readonly NodeProto[]>();
  const products = findProducts(model, job);
  const layers = findRecurrent(model, job);
  const total = products.length + layers.length;
  const writer = new Writer(model);
  for (const [i, { node, product }] of products.entries()) {
    await job.step(i, total, node);
    const { weight } = product;
    if (weight.rows > MOST_ROWS) {
      job.keep(node, `a sum of ${weight.rows} products can leave int32`);
      continue;
    }
    const quantized = writer.weight(product);
    replaced.set(node, writer.product(node, product, quantized));
    job.quantized(node, weight.name, [weight.rows, weight.columns], quantized.sqnr);
  }
  if (layers.length > 0) raiseOpset(model, RECURRENT_OPSET);
  const recurrent = new RecurrentWriter(model);
  for (const [i, layer] of layers.entries()) {
    await job.step(products.length + i, total, layer.node);
    replaced.set(layer.node, [...recurrent.layer(layer, job), layer.node]);
  }
  model.replaceNodes((node) => replaced.get(node) ?? [node]);
}
