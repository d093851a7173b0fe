// Constants and inner values of float16. Inputs and outputs of the model stay float32, and so do nodes whose operator
// does not take halves, whose types are not known or whose constants do not fit: Casts are written around them.
import { capturedBy } from './graphs.js';
import { fromHalf, toHalf } from './half.js';
import { elementTypes, halfInputs, halfOutputs } from './half_operators.js';
import type { Job } from './job.js';
import type { Model } from './model.js';
import { makeNode } from './nodes.js';
import type { NodeProto } from './onnx_pb.generated.js';
import { Noise } from './sqnr.js';
import { dimsOf, FLOAT, FLOAT16, floatsOf, makeTensor } from './tensor_data.js';

/** The largest number of float16. */
const LARGEST = 65504;
/** Single numbers from here on stand for infinity where they are added, chosen or multiply a mask… */
const ENDLESS = 1e8;
/** …and become this number, so that sums with it do not overflow: rows that are masked as a whole would be NaN. */
const FAR = 32768;
const MASKING: readonly string[] = ['Add', 'Mul', 'Pad', 'Sub', 'Where'];
/** Nothing in float16 is beyond a bound that is too large for it. */
const BOUNDING: readonly string[] = ['Clip', 'Max', 'Min'];

/** Of a single number, which may be what keeps a divisor from 0: 1e-6 has 26 dB, 1e-12 becomes 0. */
const LEAST_SQNR = 40;

interface HalfConstant {
  readonly name: string;
  /** Undefined for a number that stands for infinity. */
  readonly sqnr: number | undefined;
}

/** What a single number that is too large for float16 becomes as a constant of an operator, if anything. */
function standIn(value: number, operator: string): number | undefined {
  if (!Number.isFinite(value) || Math.abs(value) <= LARGEST) return undefined;
  if (BOUNDING.includes(operator)) return Math.sign(value) * LARGEST;
  const masks = MASKING.includes(operator) && Math.abs(value) >= ENDLESS;
  return masks ? Math.sign(value) * FAR : undefined;
}

class Writer {
  readonly nodes: NodeProto[] = [];
  /** Halves by the name of the float32 value. */
  readonly #halves = new Map<string, string>();
  readonly #constants = new Map<string, HalfConstant | string>();
  /** Values that nodes so far have made as float32, too. */
  readonly #wide = new Set<string>();

  constructor(readonly model: Model) {}

  /** A text says why the constant can not be halves for this operator. */
  constant(name: string, operator: string): HalfConstant | string {
    const values = floatsOf(this.model.constant(name)!);
    const other = values.length === 1 ? standIn(values[0]!, operator) : undefined;
    const key = JSON.stringify([name, other]);
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const made = other === undefined ? this.#round(name, values) : this.#replace(name, other);
    this.#constants.set(key, made);
    return made;
  }

  #round(name: string, values: Float32Array): HalfConstant | string {
    const halves = new Uint16Array(values.length);
    const noise = new Noise();
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      halves[i] = toHalf(value);
      if (!Number.isFinite(value)) continue;
      if (Math.abs(value) > LARGEST) return `its constant ${name} has numbers above ${LARGEST}`;
      noise.add(value, fromHalf(halves[i]!));
    }
    if (values.length === 1 && noise.decibels < LEAST_SQNR) {
      return `its constant ${name} is too near to 0`;
    }
    return { name: this.#store(name, halves), sqnr: noise.decibels };
  }

  #replace(name: string, value: number): HalfConstant {
    return { name: this.#store(name, Uint16Array.of(toHalf(value))), sqnr: undefined };
  }

  #store(name: string, halves: Uint16Array): string {
    const dims = dimsOf(this.model.constant(name)!);
    const fresh = this.model.freshName(name, 'fp16');
    return this.model.addConstant(makeTensor(fresh, 'float16', dims, halves));
  }

  /** The half of a value or constant; a Cast where there is none. */
  #half(name: string, operator: string): string {
    const constant = this.model.constant(name) && this.constant(name, operator);
    if (typeof constant === 'object') return constant.name;
    const known = this.#halves.get(name);
    if (known !== undefined) return known;
    const half = this.#newHalf(name);
    this.#wide.add(name);
    this.#cast(name, half, FLOAT16);
    return half;
  }

  #newHalf(name: string): string {
    const half = this.model.freshName(name, 'fp16');
    this.#halves.set(name, half);
    return half;
  }

  #cast(from: string, to: string, type: number): void {
    const name = this.model.freshName(from, 'cast');
    this.nodes.push(makeNode('Cast', [from], [to], { name, attributes: { to: type } }));
  }

  /** Values of float32 that something reads which stays as it is. */
  widen(names: readonly string[]): void {
    for (const name of names) {
      const half = this.#halves.get(name);
      if (half === undefined || this.#wide.has(name)) continue;
      this.#wide.add(name);
      this.#cast(half, name, FLOAT);
    }
  }

  leave(node: NodeProto): void {
    this.widen([...node.input, ...capturedBy(node)]);
    this.nodes.push(node);
  }

  convert(node: NodeProto, inputs: readonly number[]): void {
    // The other inputs are of types that do not change, or floats that stay.
    this.widen(node.input.filter((_, place) => !inputs.includes(place)));
    for (const place of inputs) {
      node.input[place] = this.#half(node.input[place]!, node.opType);
    }
    for (const place of halfOutputs(node)) node.output[place] = this.#newHalf(node.output[place]!);
    this.nodes.push(node);
  }
}

/** Why a node with halfInputs has to stay, if it does. */
function obstacle(
  writer: Writer,
  { opType }: NodeProto,
  inputs: readonly string[],
  types: ReadonlyMap<string, number>,
): string | undefined {
  const other = inputs.find((name) => types.get(name) !== FLOAT);
  if (other !== undefined) return `the type of ${other} is not known to be float32`;
  for (const name of inputs) {
    const constant = writer.model.constant(name) && writer.constant(name, opType);
    if (typeof constant === 'string') return constant;
  }
  return undefined;
}

/** Floats only: a Reshape of integers is no subject. */
const hasFloats = (names: readonly string[], types: ReadonlyMap<string, number>) =>
  names.some((name) => (types.get(name) ?? FLOAT) === FLOAT);

export async function convertToHalves(model: Model, job: Job): Promise<void> {
  const types = elementTypes(model);
  const writer = new Writer(model);
  const nodes = model.graph.node;
  for (const [i, node] of nodes.entries()) {
    await job.step(i, nodes.length, node);
    const places = halfInputs(node);
    const inputs = (places ?? []).map((place) => node.input[place]!);
    if (!places || !hasFloats(inputs, types)) {
      writer.leave(node);
      continue;
    }
    const reason = job.isKept(node) ? 'it is to be kept' : obstacle(writer, node, inputs, types);
    if (reason === undefined) {
      reportConstants(node, inputs, writer, job);
      writer.convert(node, places);
    } else {
      job.keep(node, reason);
      writer.leave(node);
    }
  }
  writer.widen([...model.outputNames()]);
  model.graph.node = writer.nodes;
  dropTypes(model);
}

function reportConstants(
  node: NodeProto,
  inputs: readonly string[],
  writer: Writer,
  job: Job,
): void {
  for (const name of inputs) {
    const tensor = writer.model.constant(name);
    const half = tensor && writer.constant(name, node.opType);
    if (typeof half !== 'object' || half.sqnr === undefined) continue;
    job.quantized(node, name, dimsOf(tensor!), half.sqnr);
  }
}

/** Types of values that are there no more. */
function dropTypes(model: Model): void {
  const producers = model.producers();
  model.graph.valueInfo = model.graph.valueInfo.filter(({ name }) => producers.has(name));
}
