// Which tensors of a model are quantized between its layers. A layer needs its input and its output as integers;
// whatever lies between them follows, as far as its operators work on integers too.
import type { Model } from '../model.js';
import { isOperator } from '../model.js';
import type { NodeProto } from '../onnx_pb.generated.js';
import type { Layer } from './layers.js';
import { isClamp, mappedInputs, mixedInputs, movedInputs } from './operators.js';
import { countOf } from '../tensor_data.js';

export interface TensorChoice {
  /** Each with the tensor that has the scale for it and others, which may be itself. */
  readonly chosen: ReadonlyMap<string, string>;
  /** Those that tell the ranges; the others have no values beyond these. */
  readonly observed: readonly string[];
  /** Where the result of each layer is quantized: behind its activation. */
  readonly endings: ReadonlyMap<NodeProto, string>;
}

export function chooseTensors(
  model: Model,
  layers: readonly Layer[],
  isKept: (node: NodeProto) => boolean,
): TensorChoice {
  const chooser = new Chooser(model, layers, isKept);
  for (const { node } of layers) {
    chooser.demand(node.input[0]!);
    chooser.demand(chooser.endings.get(node)!);
  }
  return chooser.choice();
}

class Chooser {
  readonly endings = new Map<NodeProto, string>();
  readonly #producers: ReadonlyMap<string, NodeProto>;
  readonly #readers: ReturnType<Model['readers']>;
  readonly #outputs: ReadonlySet<string>;
  readonly #places: ReadonlyMap<NodeProto, number>;
  readonly #endings: ReadonlySet<string>;
  readonly #rooted = new Map<string, boolean>();
  // The tensor that speaks for each, as a forest.
  readonly #parents = new Map<string, string>();
  readonly #derived = new Set<string>();

  constructor(
    readonly model: Model,
    layers: readonly Layer[],
    readonly isKept: (node: NodeProto) => boolean,
  ) {
    this.#producers = model.producers();
    this.#readers = model.readers();
    this.#outputs = model.outputNames();
    this.#places = new Map(model.graph.node.map((node, place) => [node, place]));
    for (const { node } of layers) this.endings.set(node, this.#endingOf(node));
    this.#endings = new Set(this.endings.values());
  }

  choice(): TensorChoice {
    const names = [...this.#parents.keys()];
    return {
      chosen: new Map(names.map((name) => [name, this.#leader(name)])),
      observed: names.filter((name) => !this.#derived.has(name)),
      endings: this.endings,
    };
  }

  demand(tensor: string): void {
    if (this.#parents.has(tensor)) return;
    this.#parents.set(tensor, tensor);
    const node = this.#producers.get(tensor);
    if (!node || this.isKept(node) || this.#endings.has(tensor)) return;
    const moved = movedInputs(this.model, node);
    if (moved) this.#follow(tensor, node, moved);
    else for (const source of this.#sources(node)) this.#demandRooted(source);
  }

  #follow(tensor: string, node: NodeProto, inputs: readonly string[]): void {
    let all = true;
    for (const input of inputs) {
      this.demand(input);
      // What others read as well would lose precision for the sake of the larger operands beside it.
      if (inputs.length > 1 && !this.#isInside(input, new Set([node]))) all = false;
      else this.#parents.set(this.#leader(tensor), this.#leader(input));
    }
    if (all) this.#derived.add(tensor);
  }

  #demandRooted(tensor: string): void {
    if (this.#isRooted(tensor)) this.demand(tensor);
  }

  /** Integers on the way there could be: it comes from a layer, through operators that work on integers. */
  #isRooted(tensor: string): boolean {
    const known = this.#rooted.get(tensor);
    if (known !== undefined) return known;
    this.#rooted.set(tensor, false); // for a graph with a cycle
    const node = this.#producers.get(tensor);
    const inputs =
      !node || this.isKept(node)
        ? []
        : (movedInputs(this.model, node) ??
          mappedInputs(this.model, node) ??
          mixedInputs(this.model, node) ??
          []);
    const rooted =
      this.#endings.has(tensor) ||
      (node !== undefined && this.endings.has(node)) ||
      inputs.some((input) => this.#isRooted(input));
    this.#rooted.set(tensor, rooted);
    return rooted;
  }

  /** What the node's result is computed from in one step: a table's one source, or what is combined. */
  #sources(node: NodeProto): readonly string[] {
    const source = this.#mapSource(node);
    if (source === undefined) return mixedInputs(this.model, node) ?? [];
    const producer = this.#producers.get(source);
    const clampsSum =
      producer &&
      this.#isSum(producer) &&
      isClamp(this.model, node) &&
      this.#isInside(source, new Set([node]));
    return clampsSum ? mixedInputs(this.model, producer)! : [source];
  }

  /** The one tensor of which the node's result is a function by elements; undefined when there are more. */
  #mapSource(root: NodeProto): string | undefined {
    const nodes = new Set<NodeProto>();
    const sources = new Set<string>();
    let [node, inputs]: [NodeProto, string[] | undefined] = [root, mappedInputs(this.model, root)];
    let single: string | undefined;
    while (inputs) {
      nodes.add(node);
      for (const input of inputs) sources.add(input);
      // The one that is made last may be made of the others.
      const last = [...sources].reduce((a, b) => (this.#placeOf(a) > this.#placeOf(b) ? a : b));
      const producer = this.#producers.get(last);
      if (sources.size === 1) single = last;
      if (!producer || (sources.size === 1 && this.#endsIn(producer, last))) break;
      if (nodes.has(producer) || this.isKept(producer) || !this.#isInside(last, nodes)) break;
      sources.delete(last);
      [node, inputs] = [producer, mappedInputs(this.model, producer)];
    }
    return single;
  }

  /** A clamp behind a sum or a layer: what it gives has half the range of what it reads. */
  #endsIn(producer: NodeProto, tensor: string): boolean {
    if (this.#endings.has(tensor)) return true;
    const before = this.#producers.get(producer.input[0] ?? '');
    return isClamp(this.model, producer) && before !== undefined && this.#isSum(before);
  }

  #isSum(node: NodeProto): boolean {
    const combined = !this.isKept(node) && mixedInputs(this.model, node) !== undefined;
    return combined && mappedInputs(this.model, node)?.length !== 1;
  }

  #isInside(tensor: string, nodes: ReadonlySet<NodeProto>): boolean {
    const readers = this.#readers.get(tensor) ?? [];
    return (
      !this.#outputs.has(tensor) &&
      readers.every(({ node, input }) => input !== undefined && nodes.has(node))
    );
  }

  #placeOf(tensor: string): number {
    const node = this.#producers.get(tensor);
    return node ? this.#places.get(node)! : -1;
  }

  /** Behind the row that is added to a MatMul, and behind a clamp. */
  #endingOf(node: NodeProto): string {
    let tensor = node.output[0]!;
    let next = this.#soleReader(tensor);
    if (next && node.opType === 'MatMul' && this.#addsRow(next)) {
      tensor = next.output[0]!;
      next = this.#soleReader(tensor);
    }
    return next && !this.isKept(next) && isClamp(this.model, next) ? next.output[0]! : tensor;
  }

  #addsRow(node: NodeProto): boolean {
    if (!isOperator(node, 'Add') || this.isKept(node)) return false;
    const row = node.input.map((name) => this.model.constant(name)).find((tensor) => tensor);
    return row?.dims.length === 1 && countOf(row) > 1;
  }

  #soleReader(tensor: string): NodeProto | undefined {
    const readers = this.#readers.get(tensor) ?? [];
    const [first] = readers;
    const alone = readers.length === 1 && first?.input !== undefined && !this.#outputs.has(tensor);
    return alone ? first.node : undefined;
  }

  #leader(tensor: string): string {
    let leader = tensor;
    for (
      let next = this.#parents.get(leader);
      next !== undefined && next !== leader;
      next = this.#parents.get(leader)
    ) {
      leader = next;
    }
    return leader;
  }
}
