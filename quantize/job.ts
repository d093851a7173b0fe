// One call of quantize: what it may change, what it has done, and who is told.
import { SardonyxError } from '../web/index.js';
import { nodeName, type Model } from './model.js';
import type { NodeProto } from './onnx_pb.generated.js';
import type { KeptReport, LayerReport, OutputReport, QuantizeProgress } from './report.js';

/** So long a page waits at most, in ms. */
const SLICE = 30;

export interface JobOptions {
  readonly keep?: readonly string[];
  readonly signal?: AbortSignal;
}

export class Job {
  readonly layers: LayerReport[] = [];
  readonly kept: KeptReport[] = [];
  readonly outputs: OutputReport[] = [];
  readonly #keep: ReadonlySet<string>;
  readonly #signal: AbortSignal | undefined;
  #slice = performance.now();

  /** INVALID_ARGUMENT when `keep` names neither a node nor an operator of the model. */
  constructor(
    model: Model,
    { keep = [], signal }: JobOptions,
    readonly onProgress: (progress: QuantizeProgress) => void,
  ) {
    this.#keep = new Set(keep);
    this.#signal = signal;
    const known = new Set(model.graph.node.flatMap((node) => [nodeName(node), node.opType]));
    const unknown = keep.filter((name) => !known.has(name));
    if (unknown.length === 0) return;
    const message = `the model has no node and no operator ${unknown.join(', ')}`;
    throw new SardonyxError('INVALID_ARGUMENT', message, { field: 'keep' });
  }

  /** The caller wants this node as it is. */
  isKept(node: NodeProto): boolean {
    return this.#keep.has(nodeName(node)) || this.#keep.has(node.opType);
  }

  /** What was found at the node, unless the caller wants it as it is or a text says why it can not be changed. */
  take<T extends object>(node: NodeProto, found: T | string | undefined): T | undefined {
    if (found === undefined) return undefined;
    const reason = this.isKept(node) ? 'it is to be kept' : found;
    if (typeof reason !== 'string') return reason;
    this.keep(node, reason);
    return undefined;
  }

  quantized(
    node: NodeProto,
    weight: string,
    shape: readonly number[],
    weightSqnr: number,
    outputSqnr?: number,
  ): void {
    const layer = { node: nodeName(node), operator: node.opType, weight, shape, weightSqnr };
    this.layers.push({ ...layer, ...(outputSqnr !== undefined && { outputSqnr }) });
  }

  keep(node: NodeProto, reason: string): void {
    this.kept.push({ node: nodeName(node), operator: node.opType, reason });
  }

  /** Before each part of the work: tells how far it is, ends it when the caller wants so, lets others run. */
  step(done: number, total: number, node: NodeProto): Promise<void> {
    return this.#step({ phase: 'quantize', done, total, node: nodeName(node) });
  }

  /** Before each run of the model; `done` need not be whole. */
  measure(
    phase: Exclude<QuantizeProgress['phase'], 'quantize'>,
    done: number,
    total: number,
  ): Promise<void> {
    return this.#step({ phase, done, total });
  }

  async #step(progress: QuantizeProgress): Promise<void> {
    this.#signal?.throwIfAborted();
    this.onProgress(progress);
    this.#signal?.throwIfAborted();
    if (performance.now() - this.#slice < SLICE) return;
    await new Promise((resume) => setTimeout(resume));
    this.#slice = performance.now();
  }
}
