// What the suite's files name, read from their bytes without the engine.
import { Reader, type Field } from '../../cli/protobuf.js';

const GRAPH_OF_MODEL = 7;
const FUNCTIONS_OF_MODEL = 25;
const NODE_OF_GRAPH = 1;
const NODE_OF_FUNCTION = 7;
const OPERATOR_OF_NODE = 4;
const ATTRIBUTE_OF_NODE = 5;
const DOMAIN_OF_NODE = 7;
const GRAPH_OF_ATTRIBUTE = 6;
const GRAPHS_OF_ATTRIBUTE = 11;

function* fields(bytes: Uint8Array): Generator<Field> {
  for (const reader = new Reader(bytes); !reader.done;) yield reader.field();
}

const text = (field: Field) => Buffer.from(field.bytes).toString();

function addNode(bytes: Uint8Array, found: Set<string>): void {
  let [domain, type] = ['', ''];
  for (const field of fields(bytes)) {
    if (field.number === OPERATOR_OF_NODE) type = text(field);
    if (field.number === DOMAIN_OF_NODE) domain = text(field);
    if (field.number !== ATTRIBUTE_OF_NODE) continue;
    for (const part of fields(field.bytes)) {
      if (part.number === GRAPH_OF_ATTRIBUTE || part.number === GRAPHS_OF_ATTRIBUTE) {
        addNodes(part.bytes, NODE_OF_GRAPH, found);
      }
    }
  }
  found.add(domain === '' || domain === 'ai.onnx' ? type : `${domain}.${type}`);
}

function addNodes(bytes: Uint8Array, number: number, found: Set<string>): void {
  for (const field of fields(bytes)) if (field.number === number) addNode(field.bytes, found);
}

/** "Conv", "com.microsoft.Gelu": sorted, those of subgraphs and functions included. */
export function modelOperators(bytes: Uint8Array): string[] {
  const found = new Set<string>();
  for (const field of fields(bytes)) {
    if (field.number === GRAPH_OF_MODEL) addNodes(field.bytes, NODE_OF_GRAPH, found);
    if (field.number === FUNCTIONS_OF_MODEL) addNodes(field.bytes, NODE_OF_FUNCTION, found);
  }
  return [...found].sort();
}

const NAME_OF_TENSOR = 8;

/** The name of a TensorProto. */
export function tensorName(bytes: Uint8Array): string {
  for (const field of fields(bytes)) if (field.number === NAME_OF_TENSOR) return text(field);
  return '';
}
