// A model that is being changed: its main graph, found by names.
import { create } from '@bufbuild/protobuf';
import { SardonyxError } from '../web/index.js';
import { takeInside } from './external_data.js';
import { allGraphs, capturedBy } from './graphs.js';
import { readModelProto, writeModelProto } from './model_file.js';
import type { ExternalData } from './options.js';
import {
  OperatorSetIdProtoSchema,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from './onnx_pb.generated.js';

/** From here on constants need not be listed among the inputs. */
const IR_WITH_CONSTANTS = 4n;

/** Exporters that join nodes join names: those of the parts would be larger than the weights. */
const LONGEST = 48;

/** Who reads a value of the main graph. */
export interface Reader {
  readonly node: NodeProto;
  /** The place among its inputs; undefined when a body of the node reads the value. */
  readonly input: number | undefined;
}

/** The ONNX domain has two names. */
export const domainOf = ({ domain }: { readonly domain: string }) =>
  domain === 'ai.onnx' ? '' : domain;

/** Is the node this operator of ONNX? */
export const isOperator = (node: NodeProto, ...types: readonly string[]) =>
  domainOf(node) === '' && types.includes(node.opType);

/** What people know the node by. */
export const nodeName = (node: NodeProto) => node.name || (node.output[0] ?? node.opType);

export class Model {
  readonly proto: ModelProto & { graph: GraphProto };
  readonly #names: Set<string>;
  #constants: Map<string, TensorProto>;

  /** Typed errors for bytes that are no model. Constant nodes become initializers. */
  constructor(bytes: Uint8Array, externalData: ExternalData = {}) {
    this.proto = readModelProto(bytes);
    takeInside(this.proto, externalData);
    liftConstants(this.graph);
    if (this.proto.irVersion < IR_WITH_CONSTANTS) this.proto.irVersion = IR_WITH_CONSTANTS;
    this.#names = namesOf(this.graph);
    this.#constants = this.#byName();
  }

  get graph(): GraphProto {
    return this.proto.graph;
  }

  #byName() {
    return new Map(this.graph.initializer.map((tensor) => [tensor.name, tensor]));
  }

  /** The initializer of this name, also when the graph lists it among its inputs. */
  constant(name: string | undefined): TensorProto | undefined {
    return name ? this.#constants.get(name) : undefined;
  }

  addConstant(tensor: TensorProto): string {
    this.graph.initializer.push(tensor);
    this.#constants.set(tensor.name, tensor);
    return tensor.name;
  }

  /**
   * The name, or that of a part or a form of it, with a number behind it where a value or a node of the model has it
   * already. It is taken from here on.
   */
  freshName(of: string, part?: string): string {
    const base = part === undefined ? of : `${of.slice(0, LONGEST)}_${part}`;
    let name = base;
    for (let i = 2; this.#names.has(name); i++) name = `${base}_${i}`;
    this.#names.add(name);
    return name;
  }

  /** The nodes that make the values of the main graph. */
  producers(): Map<string, NodeProto> {
    return new Map(
      this.graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)),
    );
  }

  /** Who reads each value of the main graph, bodies of nodes included; outputs of the graph are no readers. */
  readers(): Map<string, Reader[]> {
    const readers = new Map<string, Reader[]>();
    const add = (name: string, reader: Reader) => {
      const known = readers.get(name);
      if (known) known.push(reader);
      else readers.set(name, [reader]);
    };
    for (const node of this.graph.node) {
      for (const [input, name] of node.input.entries()) add(name, { node, input });
      for (const name of capturedBy(node)) add(name, { node, input: undefined });
    }
    readers.delete('');
    return readers;
  }

  outputNames(): Set<string> {
    return new Set(this.graph.output.map(({ name }) => name));
  }

  opset(domain = ''): number {
    const found = this.proto.opsetImport.find((entry) => domainOf(entry) === domain);
    return Number(found?.version ?? 0n);
  }

  setOpset(domain: string, version: number): void {
    const entries = this.proto.opsetImport;
    const found = entries.find((entry) => domainOf(entry) === domain);
    if (found) found.version = BigInt(version);
    else entries.push(create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }));
  }

  /** Nodes in the place of others, in order: the graph stays sorted. */
  replaceNodes(replacement: (node: NodeProto) => readonly NodeProto[]): void {
    this.graph.node = this.graph.node.flatMap((node) => replacement(node));
  }

  /** Drops nodes and initializers that nobody reads, the latter also where they are listed among the inputs. */
  removeUnused(): void {
    const { graph } = this;
    const producers = this.producers();
    const [read, live] = [this.outputNames(), new Set<NodeProto>()];
    // A set is walked together with what is added to it on the way.
    for (const name of read) {
      const node = producers.get(name);
      if (!node || live.has(node)) continue;
      live.add(node);
      for (const input of [...node.input, ...capturedBy(node)]) read.add(input);
    }
    graph.node = graph.node.filter((node) => live.has(node));
    const isUnused = ({ name }: { readonly name: string }) =>
      this.#constants.has(name) && !read.has(name);
    graph.input = graph.input.filter((info) => !isUnused(info));
    graph.initializer = graph.initializer.filter((tensor) => !isUnused(tensor));
    this.#constants = this.#byName();
  }

  write(): Uint8Array<ArrayBuffer> {
    return writeModelProto(this.proto);
  }
}

function namesOf(graph: GraphProto): Set<string> {
  return new Set(
    allGraphs(graph).flatMap(({ node, initializer, input, sparseInitializer }) => [
      ...node.flatMap(({ name, output }) => [name, ...output]),
      ...[...initializer, ...input].map(({ name }) => name),
      ...sparseInitializer.map(({ values }) => values?.name ?? ''),
    ]),
  );
}

function liftConstants(graph: GraphProto): void {
  graph.node = graph.node.filter((node) => {
    const [tensor] = isOperator(node, 'Constant')
      ? node.attribute.flatMap(({ name, t }) => (name === 'value' && t ? [t] : []))
      : [];
    const [name] = node.output;
    if (!tensor || !name) return true;
    tensor.name = name;
    graph.initializer.push(tensor);
    return false;
  });
}

/** An error about a node. */
export const nodeError = (
  code: 'INVALID_ARGUMENT' | 'MODEL_UNSUPPORTED' | 'ATTRIBUTE_INVALID' | 'VALUE_RANGE',
  node: NodeProto,
  message: string,
) =>
  new SardonyxError(code, `node ${nodeName(node)} (${node.opType}): ${message}`, {
    node: nodeName(node),
    operator: node.opType,
  });
