// Nodes and attributes that quantize writes, and attributes that it reads.
import { create } from '@bufbuild/protobuf';
import {
  AttributeProtoSchema,
  AttributeType,
  NodeProtoSchema,
  type AttributeProto,
  type NodeProto,
} from './onnx_pb.generated.js';

export type Attributes = Readonly<Record<string, number | readonly number[] | string>>;

/** Whole numbers are ints. */
export function makeNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  { name, domain, attributes = {} }: { name: string; domain?: string; attributes?: Attributes },
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    name,
    ...(domain !== undefined && { domain }),
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([key, value]) => makeAttribute(key, value)),
  });
}

function makeAttribute(name: string, value: Attributes[string]): AttributeProto {
  if (typeof value === 'string') {
    const s = new TextEncoder().encode(value);
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s });
  }
  if (typeof value !== 'number') {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.INTS,
      ints: value.map(BigInt),
    });
  }
  return Number.isInteger(value)
    ? create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) })
    : create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value });
}

const find = (node: NodeProto, name: string) =>
  node.attribute.find((attribute) => attribute.name === name);

export const intOf = (node: NodeProto, name: string, otherwise: number): number => {
  const found = find(node, name);
  return found ? Number(found.i) : otherwise;
};

export const floatOf = (node: NodeProto, name: string, otherwise: number): number =>
  find(node, name)?.f ?? otherwise;

export const textOf = (node: NodeProto, name: string, otherwise: string): string => {
  const found = find(node, name);
  return found ? new TextDecoder().decode(found.s) : otherwise;
};

/** Exactly: a Slice to the end goes to the largest int64. */
export const int64sOf = (node: NodeProto, name: string): bigint[] | undefined =>
  find(node, name)?.ints;

export const intsOf = (node: NodeProto, name: string): number[] | undefined =>
  find(node, name)?.ints.map(Number);

export const floatsOf = (node: NodeProto, name: string): number[] | undefined =>
  find(node, name)?.floats;

export function withoutAttributes(node: NodeProto, names: readonly string[]): void {
  node.attribute = node.attribute.filter(({ name }) => !names.includes(name));
}

export function setAttribute(node: NodeProto, name: string, value: Attributes[string]): void {
  withoutAttributes(node, [name]);
  node.attribute.push(makeAttribute(name, value));
}
