// Builds ONNX models from plain values. Nothing is checked: tests use it to write wrong models too.
import { ModelProto, arrays, dtypes } from './schema.mjs';

const attributeTypes = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7 };

/** A float attribute whose value happens to be whole: {alpha: float(1)}. */
export const float = (value) => ({ f: value });

function attribute(name, value) {
  const fields = attributeFields(value);
  return { name, type: attributeTypes[Object.keys(fields)[0]], ...fields };
}

function attributeFields(value) {
  if (typeof value === 'string') return { s: new TextEncoder().encode(value) };
  if (typeof value === 'number') return Number.isInteger(value) ? { i: value } : { f: value };
  if (Array.isArray(value))
    return value.every(Number.isInteger) ? { ints: value } : { floats: value };
  if ('dataType' in value) return { t: value };
  if ('node' in value) return { g: value };
  return value;
}

/**
 * @param {string} opType
 * @param {string[]} inputs
 * @param {string[]} outputs
 * @param {Record<string, unknown>} attributes numbers, strings, arrays of numbers, tensors, graphs
 */
export function node(opType, inputs, outputs, attributes = {}, { name, domain } = {}) {
  return {
    opType,
    name: name ?? `${opType}_${outputs[0]}`,
    ...(domain && { domain }),
    input: inputs,
    output: outputs,
    attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
  };
}

/** An initializer or tensor attribute. `values`: numbers (bigints for 64-bit dtypes) or raw bytes. */
export function tensor(name, dtype, dims, values) {
  const typed = values instanceof Uint8Array ? values : arrays[dtype].from(values);
  const rawData = new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
  return { name, dataType: dtypes[dtype], dims, rawData };
}

/** A graph input or output. A dim is a number or a symbol's name. */
export function value(name, dtype, dims) {
  const dim = dims.map((d) => (typeof d === 'string' ? { dimParam: d } : { dimValue: d }));
  return { name, type: { tensorType: { elemType: dtypes[dtype], shape: { dim } } } };
}

/** `of` as a sequence or an optional of what it was. */
export const sequence = ({ name, type }) => ({ name, type: { sequenceType: { elemType: type } } });
export const optional = ({ name, type }) => ({ name, type: { optionalType: { elemType: type } } });

export function graph({ name = 'graph', inputs, outputs, nodes, initializers = [] }) {
  return { name, input: inputs, output: outputs, node: nodes, initializer: initializers };
}

/** Encoded ModelProto. */
export function encodeModel({ opset = 13, domains = {}, irVersion = 8, ...rest }) {
  const opsetImport = Object.entries({ '': opset, ...domains }).map(([domain, version]) => ({
    domain,
    version,
  }));
  const message = { irVersion, opsetImport, producerName: 'sardonyx tools', graph: graph(rest) };
  return ModelProto.encode(ModelProto.fromObject(message)).finish();
}
