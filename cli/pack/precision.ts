// The precision of a model, from its operators and the element types of its weights.
import type { Precision } from '../../manifest/parse.js';
import { byteLength, dtypeByNumber, elementCount, type DType } from '../../worker/dtypes.js';
import { Reader, varints } from '../protobuf.js';

// Fields of onnx.proto.
const MODEL = { graph: 7 };
const GRAPH = { node: 1, initializer: 5 };
const NODE = { operator: 4, attribute: 5 };
const ATTRIBUTE = { tensor: 5, graph: 6 };
const TENSOR = { dims: 1, dtype: 2 };

const MAX_DEPTH = 16;
const INT8 = /^(QLinear\w+|QuantizeLinear|DequantizeLinear|DynamicQuantizeLinear|\w+Integer)$/;
const INT4: ReadonlySet<DType> = new Set(['int4', 'uint4']);

interface Contents {
  readonly operators: Set<string>;
  /** Bytes of weights by element type. */
  readonly weights: Map<DType, number>;
}

/** MalformedError when the bytes are no ModelProto. */
export function findPrecision(model: Uint8Array): Precision {
  const contents: Contents = { operators: new Set(), weights: new Map() };
  for (const [number, bytes] of messages(model)) {
    if (number === MODEL.graph) readGraph(bytes, contents, 0);
  }
  const { operators, weights } = contents;
  if (operators.has('MatMulNBits') || [...INT4].some((type) => weights.has(type))) return 'int4';
  if ([...operators].some((name) => INT8.test(name))) return 'int8';
  const bytes = (type: DType) => weights.get(type) ?? 0;
  return bytes('float16') > bytes('float32') ? 'fp16' : 'fp32';
}

function* messages(bytes: Uint8Array): Iterable<[number, Uint8Array]> {
  for (const reader = new Reader(bytes); !reader.done;) {
    const field = reader.field();
    yield [field.number, field.bytes];
  }
}

function readGraph(graph: Uint8Array, contents: Contents, depth: number): void {
  if (depth > MAX_DEPTH) return;
  for (const [number, bytes] of messages(graph)) {
    if (number === GRAPH.node) readNode(bytes, contents, depth);
    if (number === GRAPH.initializer) readWeight(bytes, contents);
  }
}

function readNode(node: Uint8Array, contents: Contents, depth: number): void {
  for (const [number, bytes] of messages(node)) {
    if (number === NODE.operator) contents.operators.add(new TextDecoder().decode(bytes));
    if (number !== NODE.attribute) continue;
    for (const [inner, value] of messages(bytes)) {
      if (inner === ATTRIBUTE.tensor) readWeight(value, contents);
      if (inner === ATTRIBUTE.graph) readGraph(value, contents, depth + 1);
    }
  }
}

function readWeight(tensor: Uint8Array, { weights }: Contents): void {
  const dims: number[] = [];
  let dtype = 0;
  for (const reader = new Reader(tensor); !reader.done;) {
    const field = reader.field();
    if (field.number === TENSOR.dims) dims.push(...varints(field).map(Number));
    if (field.number === TENSOR.dtype) dtype = Number(field.varint);
  }
  const info = dtypeByNumber(dtype);
  if (!info) return;
  weights.set(info.type, (weights.get(info.type) ?? 0) + byteLength(info, elementCount(dims)));
}
