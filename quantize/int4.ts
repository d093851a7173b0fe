// Weights of 4 bits in blocks that have a scale each: MatMulNBits and GatherBlockQuantized of com.microsoft.
import { quantizeRows, type Rows } from './blocks_of_4_bits.js';
import type { Job } from './job.js';
import { nodeName, type Model } from './model.js';
import { makeNode } from './nodes.js';
import type { NodeProto } from './onnx_pb.generated.js';
import { addBias, findProducts, type Product } from './product.js';
import { findTables, type Table } from './table.js';
import { makeTensor } from './tensor_data.js';

const DOMAIN = 'com.microsoft';

export interface Int4Options {
  /** Weights that share a scale: a power of two from 16 to 256. */
  readonly group: number;
  /** Each group has a zero point too. */
  readonly zeroPoints: boolean;
  /** Of MatMulNBits; 0 is its default. */
  readonly accuracyLevel: number;
}

interface Weight {
  /** Names of integers, scales and, where there are some, zero points. */
  readonly names: readonly string[];
  readonly sqnr: number;
}

interface Replacement {
  readonly nodes: readonly NodeProto[];
  readonly sqnr: number;
}

class Writer {
  readonly #weights = new Map<string, Weight>();

  constructor(
    readonly model: Model,
    readonly options: Int4Options,
  ) {}

  /** Once for each `key`, however many nodes share the weight. `dims` are those of the packed integers. */
  #weight(key: string, name: string, dims: readonly number[], rows: Rows): Weight {
    const known = this.#weights.get(key);
    if (known) return known;
    const { packed, scales, zeros, sqnr } = quantizeRows(rows, this.options);
    const { model } = this;
    const add = (
      suffix: string,
      type: 'uint8' | 'float32',
      shape: readonly number[],
      data: Bytes,
    ) => model.addConstant(makeTensor(model.freshName(name, suffix), type, shape, data));
    const names = [
      add('int4', 'uint8', dims, packed),
      add('scale', 'float32', [rows.count, scales.length / rows.count], scales),
    ];
    if (zeros)
      names.push(add('zero_point', 'uint8', [rows.count, zeros.length / rows.count], zeros));
    const made = { names, sqnr };
    this.#weights.set(key, made);
    return made;
  }

  /** A row for each column of the matrix, padded to whole groups. */
  product(node: NodeProto, { weight, alpha, bias, a }: Product): Replacement {
    const { name, rows, columns, data, rowStep, columnStep } = weight;
    const { group, accuracyLevel } = this.options;
    const groups = Math.ceil(rows / group);
    const { names, sqnr } = this.#weight(
      JSON.stringify([name, rowStep, alpha]),
      name,
      [columns, groups, group / 2],
      {
        count: columns,
        length: rows,
        bytes: (groups * group) / 2,
        read(column, first, into) {
          const at = column * columnStep + first * rowStep;
          for (let i = 0; i < into.length; i++) into[i] = data[at + i * rowStep]! * alpha;
        },
      },
    );
    const [label, output] = [nodeName(node), node.output[0]!];
    const sum = bias === undefined ? output : this.model.freshName(label, 'sum');
    const attributes = {
      K: rows,
      N: columns,
      bits: 4,
      block_size: group,
      ...(accuracyLevel !== 0 && { accuracy_level: accuracyLevel }),
    };
    const how = { name: label, domain: DOMAIN, attributes };
    const nodes = [makeNode('MatMulNBits', [a, ...names], [sum], how)];
    if (bias !== undefined) {
      nodes.push(addBias(this.model.freshName(label, 'bias'), sum, bias, output));
    }
    return { nodes, sqnr };
  }

  gather(node: NodeProto, { name, rows, columns, data, indices }: Table): Replacement {
    const { names, sqnr } = this.#weight(`table ${name}`, name, [rows, columns / 2], {
      count: rows,
      length: columns,
      bytes: columns / 2,
      read(row, first, into) {
        const at = row * columns + first;
        into.set(data.subarray(at, at + into.length));
      },
    });
    const attributes = {
      bits: 4,
      block_size: this.options.group,
      gather_axis: 0,
      quantize_axis: 1,
    };
    const [integers = '', ...rest] = names;
    const how = { name: nodeName(node), domain: DOMAIN, attributes };
    const inputs = [integers, indices, ...rest];
    return { nodes: [makeNode('GatherBlockQuantized', inputs, node.output, how)], sqnr };
  }
}

type Bytes = Uint8Array | Float32Array;

export async function quantizeTo4Bits(model: Model, job: Job, options: Int4Options): Promise<void> {
  const writer = new Writer(model, options);
  const work = [
    ...findProducts(model, job).map(({ node, product }) => {
      const { name, rows, columns } = product.weight;
      return { node, name, shape: [rows, columns], write: () => writer.product(node, product) };
    }),
    ...findTables(model, job).map(({ node, table }) => {
      const { name, rows, columns } = table;
      return { node, name, shape: [rows, columns], write: () => writer.gather(node, table) };
    }),
  ];
  const replaced = new Map<NodeProto, readonly NodeProto[]>();
  for (const [i, { node, name, shape, write }] of work.entries()) {
    await job.step(i, work.length, node);
    const { nodes, sqnr } = write();
    replaced.set(node, nodes);
    job.quantized(node, name, shape, sqnr);
  }
  if (work.length > 0 && model.opset(DOMAIN) === 0) model.setOpset(DOMAIN, 1);
  model.replaceNodes((node) => replaced.get(node) ?? [node]);
}
