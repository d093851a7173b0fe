// Many quantizations of one model in one file, each of a single layer. A branch is a copy of the nodes whose results the
// layer changes; what the branches share with the float model is loaded and computed once.
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Agreement } from '../agreement.js';
import { renameReads } from '../graphs.js';
import { nodeName, type Model } from '../model.js';
import { makeNode } from '../nodes.js';
import { NodeProtoSchema, type NodeProto } from '../onnx_pb.generated.js';
import type { Affine } from '../ranges/affine.js';
import { layerOf, type Layer } from './layers.js';
import { addOutputs, tapPortion, type TapOptions } from './taps.js';
import { writeQdq, type Affines } from './write_qdq.js';

export interface Branch {
  /** The layer that is quantized, by name. */
  readonly layer: string;
  readonly affines: Affines;
}

/** By the name of a tensor in the float model, its copy; what is absent is the same in the branch. */
type Names = ReadonlyMap<string, string>;

/** The worst SQNR of the outputs of each branch in dB, and the bytes of a run's results. `float` is changed. */
export async function measureBranches(
  float: Model,
  branches: readonly Branch[],
  { names, samples, onRun }: TapOptions,
): Promise<{ readonly sqnr: readonly number[]; readonly bytes: number }> {
  const copies = writeBranches(float, branches, names);
  const compared = new Map<string, readonly [output: string, agreement: Agreement]>();
  for (const copy of copies) {
    for (const name of names)
      if (copy.has(name)) compared.set(copy.get(name)!, [name, new Agreement()]);
  }
  // Of one sample: these come first.
  const expected = new Map<string, Float32Array>();
  const all = [...names, ...compared.keys()];
  const bytes = await tapPortion([float], { names: all, samples, onRun }, (name, [values]) => {
    const pair = compared.get(name);
    if (pair) pair[1].add(expected.get(pair[0])!, values!);
    else expected.set(name, values!);
  });
  const sqnr = copies.map((copy) => {
    const pairs = names.map((name) => compared.get(copy.get(name) ?? ''));
    return Math.min(...pairs.map((pair) => pair?.[1].likeness.sqnr ?? Infinity));
  });
  return { sqnr, bytes };
}

/** Returns the copies of each branch. Those of `outputs` are outputs, too. */
export function writeBranches(
  model: Model,
  branches: readonly Branch[],
  outputs: readonly string[],
): Names[] {
  const copier = new Copier(model);
  const copies = branches.map((branch) => copier.copy(branch));
  model.graph.node.push(...copier.nodes);
  addOutputs(
    model,
    copies.flatMap((names) => outputs.flatMap((name) => names.get(name) ?? [])),
  );
  writeQdq(model, copier.layers, copier.affines);
  return copies;
}

class Copier {
  readonly nodes: NodeProto[] = [];
  readonly layers: Layer[] = [];
  readonly affines = new Map<string, Affine>();
  readonly #producers: ReadonlyMap<string, NodeProto>;
  readonly #readers: ReturnType<Model['readers']>;

  constructor(readonly model: Model) {
    this.#producers = model.producers();
    this.#readers = model.readers();
  }

  copy({ layer, affines }: Branch): Names {
    const names = new Map<string, string>();
    const changed = this.#changedBy(affines, names);
    for (const [tensor, affine] of affines) {
      const copy = names.get(tensor)!;
      this.affines.set(copy, affine);
      // Others read an input of the model, too.
      if (!this.#producers.has(tensor))
        this.nodes.push(makeNode('Identity', [tensor], [copy], { name: copy }));
    }
    for (const node of this.model.graph.node) {
      if (!changed.has(node)) continue;
      const copy = this.#copyNode(node, names);
      this.nodes.push(copy);
      const found = nodeName(node) === layer ? layerOf(this.model, copy) : undefined;
      if (typeof found === 'object') this.layers.push(found);
    }
    return names;
  }

  /** The nodes that give quantized tensors, and all that depends on these. */
  #changedBy(affines: Affines, names: Map<string, string>): Set<NodeProto> {
    const changed = new Set<NodeProto>();
    const add = (tensor: string) => {
      if (tensor !== '' && !names.has(tensor)) names.set(tensor, this.model.freshName(tensor));
    };
    for (const tensor of affines.keys()) add(tensor);
    // A map is walked together with what is added to it on the way.
    for (const tensor of names.keys()) {
      const producer = affines.has(tensor) ? this.#producers.get(tensor) : undefined;
      const readers = this.#readers.get(tensor) ?? [];
      for (const node of [...(producer ? [producer] : []), ...readers.map(({ node }) => node)]) {
        changed.add(node);
        for (const output of node.output) add(output);
      }
    }
    return changed;
  }

  #copyNode(node: NodeProto, names: Names): NodeProto {
    const copy = fromBinary(NodeProtoSchema, toBinary(NodeProtoSchema, node));
    copy.name = this.model.freshName(nodeName(node));
    copy.output = copy.output.map((name) => names.get(name) ?? name);
    renameReads(copy, names);
    return copy;
  }
}
