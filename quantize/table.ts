// Gather of whole rows of a constant table of floats: an embedding.
import type { Job } from './job.js';
import { isOperator, type Model } from './model.js';
import { intOf } from './nodes.js';
import type { NodeProto } from './onnx_pb.generated.js';
import { dimsOf, FLOAT, floatsOf, whyNoNumbers } from './tensor_data.js';

/** Shorter rows would have a scale for a few numbers each. */
const LEAST_COLUMNS = 16;

export interface Table {
  /** Of the initializer. */
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
  readonly indices: string;
}

/** Tables of the main graph that the job may change; it is told of the others. */
export function findTables(model: Model, job: Job): { node: NodeProto; table: Table }[] {
  return model.graph.node.flatMap((node) => {
    const table = job.take(node, tableOf(model, node));
    return table ? [{ node, table }] : [];
  });
}

/** Undefined for other nodes and tables of other types; a text says why a table can not be quantized. */
function tableOf(model: Model, node: NodeProto): Table | string | undefined {
  const tensor = isOperator(node, 'Gather') ? model.constant(node.input[0]) : undefined;
  if (tensor?.dataType !== FLOAT) return undefined;
  const dims = dimsOf(tensor);
  const [rows, columns] = dims;
  if (dims.length !== 2 || rows === undefined || columns === undefined) {
    return `its table has ${dims.length} dims, and 2 are needed`;
  }
  if (intOf(node, 'axis', 0) !== 0) return 'it does not gather rows';
  if (columns < LEAST_COLUMNS) {
    return `its rows have ${columns} numbers, and ${LEAST_COLUMNS} are needed`;
  }
  if (columns % 2 !== 0) return 'its rows have an odd number of numbers';
  const reason = whyNoNumbers(tensor);
  if (reason !== undefined) return `its table ${reason}`;
  return { name: tensor.name, rows, columns, data: floatsOf(tensor), indices: node.input[1] ?? '' };
}
