// MatMul and Gemm whose second factor is constant: y = alpha · a · w + bias.
import { allGraphs, bodiesOf } from './graphs.js';
import type { Job } from './job.js';
import { isOperator, type Model } from './model.js';
import { floatOf, intOf, intsOf, makeNode } from './nodes.js';
import type { GraphProto, NodeProto } from './onnx_pb.generated.js';
import { dimsOf, FLOAT, floatsOf, makeTensor, whyNoNumbers } from './tensor_data.js';

/** Shorter sums gain nothing, and are often exact by intent: positions times frequencies. */
const LEAST_ROWS = 16;

/** `rows` are what is summed over, `columns` the channels of the result. */
export interface WeightMatrix {
  /** Of the initializer. */
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
  /** Element (row, column) is data[row * rowStep + column * columnStep]. */
  readonly rowStep: number;
  readonly columnStep: number;
}

export interface Product {
  readonly a: string;
  readonly weight: WeightMatrix;
  readonly alpha: number;
  /** The value that is added. */
  readonly bias: string | undefined;
}

/** The products of the main graph that the job may change; it is told of the others that have a weight. */
export function findProducts(model: Model, job: Job): { node: NodeProto; product: Product }[] {
  return model.graph.node.flatMap((node) => {
    for (const inner of bodiesOf(node).flatMap(allGraphs)) keepBody(model, job, inner);
    const product = job.take(node, productOf(model, node));
    return product ? [{ node, product }] : [];
  });
}

function keepBody(model: Model, job: Job, body: GraphProto): void {
  const own = new Set(body.initializer.map(({ name }) => name));
  for (const node of body.node) {
    const [, weight = ''] = node.input;
    if (!isOperator(node, 'MatMul', 'Gemm') || !(own.has(weight) || model.constant(weight)))
      continue;
    job.keep(node, 'it lies in the body of another node');
  }
}

/** Undefined for nodes without a constant second factor; a text says why a weight can not be quantized. */
export function productOf(model: Model, node: NodeProto): Product | string | undefined {
  if (!isOperator(node, 'MatMul', 'Gemm')) return undefined;
  const gemm = node.opType === 'Gemm';
  const weight = weightOf(model, node.input[1], gemm && intOf(node, 'transB', 0) !== 0);
  if (weight === undefined || typeof weight === 'string') return weight;
  if (!gemm) return { a: node.input[0] ?? '', weight, alpha: 1, bias: undefined };
  if (intOf(node, 'transA', 0) !== 0) return 'its first factor is transposed';
  const bias = scaledBias(model, node);
  if (bias === undefined) return 'beta scales a value that is not constant';
  const alpha = floatOf(node, 'alpha', 1);
  if (!Number.isFinite(alpha)) return 'alpha is infinite or NaN';
  return { a: node.input[0] ?? '', weight, alpha, bias: bias === '' ? undefined : bias };
}

/** The factor itself is constant, or a Transpose of what is. */
function weightOf(
  model: Model,
  name: string | undefined,
  transposed: boolean,
): WeightMatrix | string | undefined {
  const tensor = model.constant(name);
  if (!tensor) {
    const turned = model.graph.node.find(
      (node) => node.output[0] === name && isOperator(node, 'Transpose'),
    );
    if (!turned || !model.constant(turned.input[0])) return undefined;
    const perm = intsOf(turned, 'perm') ?? [1, 0];
    if (perm.join() !== '1,0') return 'its weight is transposed';
    return weightOf(model, turned.input[0], !transposed);
  }
  const dims = dimsOf(tensor);
  const [first, second] = dims;
  if (dims.length !== 2 || first === undefined || second === undefined) {
    return `its weight has ${dims.length} dims, and 2 are needed`;
  }
  const reason = whyNoNumbers(tensor);
  if (reason !== undefined) return `its weight ${reason}`;
  const rows = transposed ? second : first;
  if (rows < LEAST_ROWS) return `its sums are of ${rows} products, and ${LEAST_ROWS} are needed`;
  const data = floatsOf(tensor);
  return transposed
    ? { name: tensor.name, rows: second, columns: first, data, rowStep: 1, columnStep: second }
    : { name: tensor.name, rows: first, columns: second, data, rowStep: second, columnStep: 1 };
}

/** The bias of a Gemm times beta; '' for none, undefined where that can not be computed. */
function scaledBias(model: Model, node: NodeProto): string | undefined {
  const [, , name = ''] = node.input;
  const beta = floatOf(node, 'beta', 1);
  if (name === '' || beta === 1) return name;
  const tensor = model.constant(name);
  if (tensor?.dataType !== FLOAT) return undefined;
  const scaled = floatsOf(tensor).map((value) => value * beta);
  const fresh = model.freshName(name, 'scaled');
  return model.addConstant(makeTensor(fresh, 'float32', dimsOf(tensor), scaled));
}

/** Adds the bias of a product: the last node, which makes `output`. */
export const addBias = (name: string, sum: string, bias: string, output: string): NodeProto =>
  makeNode('Add', [sum, bias], [output], { name });
