// An ONNX file as messages, and back. Payloads of weights are views of the file, and are copied once, when the
// file is put together.
import { clearField, fromBinary, toBinary, type DescField, type Message } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { SardonyxError } from '../web/index.js';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProtoSchema,
  type GraphProto,
  type ModelProto,
  type TensorProto,
} from './onnx_pb.generated.js';

/** What readers of protobuf take at most. */
const MAX_BYTES = 2 ** 31 - 1;

// Numbers in quantize/onnx.proto.
const GRAPH = ModelProtoSchema.field.graph.number;
const INITIALIZER = GraphProtoSchema.field.initializer.number;
const RAW_DATA = TensorProtoSchema.field.rawData.number;

export function readModelProto(bytes: Uint8Array): ModelProto & { graph: GraphProto } {
  if (bytes.length === 0) throw new SardonyxError('MODEL_EMPTY', 'the model has no bytes');
  const proto = parse(bytes);
  const { graph } = proto;
  if (!graph || (graph.node.length === 0 && graph.output.length === 0)) {
    throw new SardonyxError('MODEL_MALFORMED', 'the bytes are no ONNX model: there is no graph');
  }
  return Object.assign(proto, { graph });
}

function parse(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SardonyxError('MODEL_MALFORMED', `the bytes are no ONNX model: ${reason}`);
  }
}

/** A list of byte arrays that follow each other. */
type Parts = readonly Uint8Array[];

const lengthOf = (parts: Parts) => parts.reduce((sum, part) => sum + part.length, 0);

/** A field that holds a message or bytes. */
function field(number: number, contents: Parts): Parts {
  const head = new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(lengthOf(contents));
  return [head.finish(), ...contents];
}

/** A copy without a field. What the other fields hold is shared; defaults of a message lie in its prototype. */
function without<T extends Message>(message: T, cleared: DescField): T {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(message) as object) as T, message);
  clearField(copy as Message, cleared);
  return copy;
}

function tensorParts(tensor: TensorProto): Parts {
  const skeleton = toBinary(TensorProtoSchema, without(tensor, TensorProtoSchema.field.rawData));
  const payload = tensor.rawData.length > 0 ? field(RAW_DATA, [tensor.rawData]) : [];
  return [skeleton, ...payload];
}

function graphParts(graph: GraphProto): Parts {
  const skeleton = toBinary(GraphProtoSchema, without(graph, GraphProtoSchema.field.initializer));
  const weights = graph.initializer.map((tensor) => field(INITIALIZER, tensorParts(tensor)));
  return [skeleton, ...weights.flat()];
}

function checkSize(bytes: number): void {
  if (bytes <= MAX_BYTES) return;
  const message = `the model would have ${bytes} bytes, and readers of ONNX take ${MAX_BYTES}`;
  throw new SardonyxError('LIMIT_EXCEEDED', message);
}

/** LIMIT_EXCEEDED for a model that would not be readable. */
export function writeModelProto(
  model: ModelProto & { graph: GraphProto },
): Uint8Array<ArrayBuffer> {
  const graph = graphParts(model.graph);
  checkSize(lengthOf(graph));
  const skeleton = toBinary(ModelProtoSchema, without(model, ModelProtoSchema.field.graph));
  const parts = [skeleton, ...field(GRAPH, graph)];
  const total = lengthOf(parts);
  checkSize(total);
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
