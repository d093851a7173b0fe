// Writes a static quantization into a model: a QuantizeLinear and a DequantizeLinear behind each chosen tensor,
// and a DequantizeLinear behind the bytes of each weight.
import { makeNode } from '../nodes.js';
import type { Model } from '../model.js';
import { nodeName } from '../model.js';
import { floatOf, withoutAttributes } from '../nodes.js';
import type { NodeProto } from '../onnx_pb.generated.js';
import type { Affine } from '../ranges/affine.js';
import { dimsOf, floatsOf, makeTensor } from '../tensor_data.js';
import { quantizeBias, quantizeWeights, weightScales } from '../integer_weights.js';
import { outputChannels, type Layer } from './layers.js';

/** What a tensor is quantized with; tensors of one group have the very same object. */
export type Affines = ReadonlyMap<string, Affine>;

/** Returns the SQNR of each layer's weights in dB. */
export function writeQdq(
  model: Model,
  layers: readonly Layer[],
  affines: Affines,
): ReadonlyMap<NodeProto, number> {
  return new Writer(model, affines).write(layers);
}

type Contents = Parameters<typeof makeTensor> extends [string, ...infer Rest] ? Rest : never;

class Writer {
  readonly #parameters = new Map<Affine, readonly [scale: string, zero: string]>();
  readonly #zeros = new Map<number, string>();
  /** By what they are made of. */
  readonly #weights = new Map<string, readonly [name: string, sqnr: number]>();
  readonly #added = new Map<NodeProto | undefined, NodeProto[]>();

  constructor(
    readonly model: Model,
    readonly affines: Affines,
  ) {}

  write(layers: readonly Layer[]): ReadonlyMap<NodeProto, number> {
    const sqnr = new Map(layers.map((layer) => [layer.node, this.#writeLayer(layer)]));
    const producers = this.model.producers();
    for (const [tensor, affine] of this.affines) {
      const producer = producers.get(tensor);
      if (producer) this.#behind(producer, tensor, affine);
      else this.#behindInput(tensor, affine);
    }
    const { graph } = this.model;
    const first = this.#added.get(undefined) ?? [];
    this.model.replaceNodes((node) => [node, ...(this.#added.get(node) ?? [])]);
    graph.node = [...first, ...graph.node];
    this.model.removeUnused();
    return sqnr;
  }

  /** Nodes behind another one, or at the beginning. */
  #add(behind: NodeProto | undefined, ...nodes: NodeProto[]): void {
    const known = this.#added.get(behind);
    if (known) known.push(...nodes);
    else this.#added.set(behind, nodes);
  }

  /** The tensor keeps its name as the dequantized one, which all readers see. */
  #behind(producer: NodeProto, tensor: string, affine: Affine): void {
    const exact = this.model.freshName(tensor, 'float');
    producer.output = producer.output.map((name) => (name === tensor ? exact : name));
    this.#pair(producer, exact, tensor, affine);
  }

  #behindInput(tensor: string, affine: Affine): void {
    const dequantized = this.model.freshName(tensor, 'dequantized');
    for (const node of this.model.graph.node) {
      node.input = node.input.map((name) => (name === tensor ? dequantized : name));
    }
    this.#pair(undefined, tensor, dequantized, affine);
  }

  #pair(behind: NodeProto | undefined, from: string, to: string, affine: Affine): void {
    const { model } = this;
    const codes = model.freshName(to, 'uint8');
    const parameters = this.#parametersOf(to, affine);
    const node = (type: string, input: string, output: string) =>
      makeNode(type, [input, ...parameters], [output], { name: model.freshName(to, type) });
    this.#add(behind, node('QuantizeLinear', from, codes), node('DequantizeLinear', codes, to));
  }

  #parametersOf(tensor: string, affine: Affine): readonly [string, string] {
    const known = this.#parameters.get(affine);
    if (known) return known;
    const made = [
      this.#constant(tensor, 'scale', 'float32', [], Float32Array.of(affine.scale)),
      this.#constant(tensor, 'zero_point', 'uint8', [], Uint8Array.of(affine.zero)),
    ] as const;
    this.#parameters.set(affine, made);
    return made;
  }

  #writeLayer(layer: Layer): number {
    const { node, weight, axis } = layer;
    const inputScale = this.affines.get(node.input[0]!)!.scale;
    const alpha = node.opType === 'Gemm' ? floatOf(node, 'alpha', 1) : 1;
    const bias = biasOf(layer);
    const dims = dimsOf(weight);
    const values = alpha === 1 ? floatsOf(weight) : floatsOf(weight).map((value) => value * alpha);
    const scales = weightScales(values, dims, axis, { bias, inputScale });
    const key = JSON.stringify([weight.name, axis, alpha, ...scales]);
    const [name, sqnr] = this.#weights.get(key) ?? this.#writeWeight(layer, values, scales, key);
    node.input = [node.input[0]!, name];
    if (bias.length > 0) node.input.push(this.#writeBias(layer, bias, scales, inputScale));
    withoutAttributes(node, ['alpha', 'beta']);
    return sqnr;
  }

  #writeWeight({ weight, axis }: Layer, values: Float32Array, scales: Float32Array, key: string) {
    const dims = dimsOf(weight);
    const { codes, sqnr } = quantizeWeights(values, dims, axis, scales);
    const inputs = [
      this.#constant(weight.name, 'int8', 'int8', dims, codes),
      this.#constant(weight.name, 'scale', 'float32', [scales.length], scales),
      this.#zerosOf(scales.length),
    ];
    const written = [this.#dequantize(weight.name, inputs, axis), sqnr] as const;
    this.#weights.set(key, written);
    return written;
  }

  #writeBias(
    { node }: Layer,
    bias: Float32Array,
    weightScale: Float32Array,
    inputScale: number,
  ): string {
    const { codes, scales } = quantizeBias(bias, weightScale, inputScale);
    const base = `${nodeName(node)}_bias`;
    const inputs = [
      this.#constant(base, 'int32', 'int32', [codes.length], codes),
      this.#constant(base, 'scale', 'float32', [scales.length], scales),
    ];
    return this.#dequantize(base, inputs, 0);
  }

  #dequantize(of: string, inputs: readonly string[], axis: number): string {
    const name = this.model.freshName(of, 'dequantized');
    const node = makeNode('DequantizeLinear', inputs, [name], { name, attributes: { axis } });
    this.#add(undefined, node);
    return name;
  }

  #zerosOf(count: number): string {
    const known = this.#zeros.get(count);
    if (known !== undefined) return known;
    const made = this.#constant('zero_points', `${count}`, 'int8', [count], new Int8Array(count));
    this.#zeros.set(count, made);
    return made;
  }

  #constant(of: string, part: string, ...contents: Contents): string {
    return this.model.addConstant(makeTensor(this.model.freshName(of, part), ...contents));
  }
}

/** One number per output channel; none for a layer without bias. */
function biasOf({ node, weight, axis, bias }: Layer): Float32Array {
  if (!bias) return new Float32Array();
  const beta = node.opType === 'Gemm' ? floatOf(node, 'beta', 1) : 1;
  const values = floatsOf(bias);
  return Float32Array.from({ length: outputChannels(node, weight, axis) }, (_, i) => {
    return beta * (values.length === 1 ? values[0]! : values[i]!);
  });
}
