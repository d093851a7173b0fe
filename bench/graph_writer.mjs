// Writes a network node by node, as an exporter does, with weights from a seeded generator.
import { encodeModel, node, tensor, value } from '../tools/onnx/model.mjs';
import { seededNumbers } from './seeded_numbers.mjs';

const product = (dims) => dims.reduce((a, b) => a * b, 1);

export class GraphWriter {
  #nodes = [];
  #initializers = [];
  #inputs = [];
  #outputs = [];
  #shared = new Map();
  #random;
  #opset;

  #domains;

  /** `domains`: versions of operator sets beside ONNX's own. */
  constructor({ seed = 1, opset = 17, domains = {} } = {}) {
    this.#random = seededNumbers(seed);
    this.#opset = opset;
    this.#domains = domains;
  }

  /** `dims` may name symbols; `example` are the dims to run with, `low` and `high` the range of their values. */
  input(name, dtype, dims, { example = dims, low = -1, high = 1 } = {}) {
    this.#inputs.push({ name, dtype, dims, example, low, high });
    return name;
  }

  output(name, dtype, dims) {
    this.#outputs.push(value(name, dtype, dims));
    return name;
  }

  /** One node with one output, whose name it gives. */
  op(type, inputs, attributes = {}, output = undefined, domain = undefined) {
    return this.ops(type, inputs, attributes, [output ?? this.#fresh(type)], domain)[0];
  }

  /** One node with the outputs named, or with as many as `outputs` says. */
  ops(type, inputs, attributes, outputs, domain = undefined) {
    const names = Array.isArray(outputs)
      ? outputs
      : Array.from({ length: outputs }, (_, i) => this.#fresh(`${type}_${i}`));
    const name = `/${type}_${this.#nodes.length}`;
    this.#nodes.push(node(type, inputs, names, attributes, { name, domain }));
    return names;
  }

  /** Uniform random weights whose sum over `fanIn` inputs keeps the variance times gain². */
  weight(dims, { fanIn = product(dims.slice(1)), gain = 1 } = {}) {
    const limit = gain * Math.sqrt(3 / fanIn);
    return this.#initializer(dims, this.#random.floats(product(dims), -limit, limit));
  }

  /** Random weights near `center`, as biases and scales of normalisations have. */
  around(center, dims, spread = 0.1) {
    return this.#initializer(
      dims,
      this.#random.floats(product(dims), center - spread, center + spread),
    );
  }

  /** Random int8 or uint8 codes. */
  codes(dtype, dims) {
    const name = `weight_${this.#initializers.length}`;
    const count = product(dims);
    const bytes = Uint8Array.from(this.#random.floats(count, 0, 256));
    this.#initializers.push(tensor(name, dtype, dims, bytes));
    return name;
  }

  /** Random float16 weights of 2^-8 to 2^-4, of both signs. */
  halves(dims) {
    const name = `weight_${this.#initializers.length}`;
    const numbers = this.#random.floats(product(dims), -0x1000, 0x1000);
    const halves = Uint16Array.from(numbers, (x) => (x < 0 ? 0x8000 : 0) + 0x1c00 + Math.abs(x));
    this.#initializers.push(tensor(name, 'float16', dims, new Uint8Array(halves.buffer)));
    return name;
  }

  /** An initializer of given values; equal ones are written once. */
  constant(dtype, dims, values) {
    const key = `${dtype} ${dims} ${values}`;
    if (!this.#shared.has(key)) {
      const name = `const_${this.#initializers.length}`;
      this.#initializers.push(tensor(name, dtype, dims, values));
      this.#shared.set(key, name);
    }
    return this.#shared.get(key);
  }

  scalar(number) {
    return this.constant('float32', [], [number]);
  }

  ints(...numbers) {
    return this.constant('int64', [numbers.length], numbers.map(BigInt));
  }

  /** The encoded model and what a caller has to feed. */
  finish() {
    const bytes = encodeModel({
      opset: this.#opset,
      domains: this.#domains,
      inputs: this.#inputs.map(({ name, dtype, dims }) => value(name, dtype, dims)),
      outputs: this.#outputs,
      nodes: this.#nodes,
      initializers: this.#initializers,
    });
    const inputs = this.#inputs.map(({ name, dtype, example, low, high }) => ({
      name,
      dtype,
      dims: example,
      low,
      high,
    }));
    return { bytes, inputs };
  }

  #initializer(dims, floats) {
    const name = `weight_${this.#initializers.length}`;
    this.#initializers.push(tensor(name, 'float32', dims, new Uint8Array(floats.buffer)));
    return name;
  }

  #fresh(type) {
    return `/${type}_${this.#nodes.length}_output`;
  }
}
