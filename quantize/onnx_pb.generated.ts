// Written by tools/generate_onnx_messages.mjs from quantize/onnx.proto.

import type { GenEnum, GenFile, GenMessage } from '@bufbuild/protobuf/codegenv2';
import { enumDesc, fileDesc, messageDesc } from '@bufbuild/protobuf/codegenv2';
import type { Message } from '@bufbuild/protobuf';

/**
 * Describes the file onnx.proto.
 */
export const file_onnx: GenFile =
  /*@__PURE__*/
  fileDesc(
    'Cgpvbm54LnByb3RvEgRvbm54IsoBCgpNb2RlbFByb3RvEhIKCmlyX3ZlcnNpb24YASABKAMSFQoNcHJvZHVjZXJfbmFtZRgCIAEoCRIYChBwcm9kdWNlcl92ZXJzaW9uGAMgASgJEh8KBWdyYXBoGAcgASgLMhAub25ueC5HcmFwaFByb3RvEi4KDG9wc2V0X2ltcG9ydBgIIAMoCzIYLm9ubnguT3BlcmF0b3JTZXRJZFByb3RvEiYKCWZ1bmN0aW9ucxgZIAMoCzITLm9ubnguRnVuY3Rpb25Qcm90byI1ChJPcGVyYXRvclNldElkUHJvdG8SDgoGZG9tYWluGAEgASgJEg8KB3ZlcnNpb24YAiABKAMiTAoNRnVuY3Rpb25Qcm90bxIMCgRuYW1lGAEgASgJEh0KBG5vZGUYByADKAsyDy5vbm54Lk5vZGVQcm90bxIOCgZkb21haW4YCiABKAkiiwIKCkdyYXBoUHJvdG8SHQoEbm9kZRgBIAMoCzIPLm9ubnguTm9kZVByb3RvEgwKBG5hbWUYAiABKAkSJgoLaW5pdGlhbGl6ZXIYBSADKAsyES5vbm54LlRlbnNvclByb3RvEiMKBWlucHV0GAsgAygLMhQub25ueC5WYWx1ZUluZm9Qcm90bxIkCgZvdXRwdXQYDCADKAsyFC5vbm54LlZhbHVlSW5mb1Byb3RvEigKCnZhbHVlX2luZm8YDSADKAsyFC5vbm54LlZhbHVlSW5mb1Byb3RvEjMKEnNwYXJzZV9pbml0aWFsaXplchgPIAMoCzIXLm9ubnguU3BhcnNlVGVuc29yUHJvdG8iggEKCU5vZGVQcm90bxINCgVpbnB1dBgBIAMoCRIOCgZvdXRwdXQYAiADKAkSDAoEbmFtZRgDIAEoCRIPCgdvcF90eXBlGAQgASgJEicKCWF0dHJpYnV0ZRgFIAMoCzIULm9ubnguQXR0cmlidXRlUHJvdG8SDgoGZG9tYWluGAcgASgJIqkCCg5BdHRyaWJ1dGVQcm90bxIMCgRuYW1lGAEgASgJEgkKAWYYAiABKAISCQoBaRgDIAEoAxIJCgFzGAQgASgMEhwKAXQYBSABKAsyES5vbm54LlRlbnNvclByb3RvEhsKAWcYBiABKAsyEC5vbm54LkdyYXBoUHJvdG8SDgoGZmxvYXRzGAcgAygCEgwKBGludHMYCCADKAMSDwoHc3RyaW5ncxgJIAMoDBIiCgd0ZW5zb3JzGAogAygLMhEub25ueC5UZW5zb3JQcm90bxIgCgZncmFwaHMYCyADKAsyEC5vbm54LkdyYXBoUHJvdG8SIQoEdHlwZRgUIAEoDjITLm9ubnguQXR0cmlidXRlVHlwZRIVCg1yZWZfYXR0cl9uYW1lGBUgASgJIvQCCgtUZW5zb3JQcm90bxIMCgRkaW1zGAEgAygDEhEKCWRhdGFfdHlwZRgCIAEoBRIWCgpmbG9hdF9kYXRhGAQgAygCQgIQARIWCgppbnQzMl9kYXRhGAUgAygFQgIQARITCgtzdHJpbmdfZGF0YRgGIAMoDBIWCgppbnQ2NF9kYXRhGAcgAygDQgIQARIMCgRuYW1lGAggASgJEhAKCHJhd19kYXRhGAkgASgMEhcKC2RvdWJsZV9kYXRhGAogAygBQgIQARIXCgt1aW50NjRfZGF0YRgLIAMoBEICEAESMwoNZXh0ZXJuYWxfZGF0YRgNIAMoCzIcLm9ubnguU3RyaW5nU3RyaW5nRW50cnlQcm90bxI1Cg1kYXRhX2xvY2F0aW9uGA4gASgOMh4ub25ueC5UZW5zb3JQcm90by5EYXRhTG9jYXRpb24iKQoMRGF0YUxvY2F0aW9uEgsKB0RFRkFVTFQQABIMCghFWFRFUk5BTBABIjYKEVNwYXJzZVRlbnNvclByb3RvEiEKBnZhbHVlcxgBIAEoCzIRLm9ubnguVGVuc29yUHJvdG8iNAoWU3RyaW5nU3RyaW5nRW50cnlQcm90bxILCgNrZXkYASABKAkSDQoFdmFsdWUYAiABKAkiPQoOVmFsdWVJbmZvUHJvdG8SDAoEbmFtZRgBIAEoCRIdCgR0eXBlGAIgASgLMg8ub25ueC5UeXBlUHJvdG8iNwoJVHlwZVByb3RvEioKC3RlbnNvcl90eXBlGAEgASgLMhUub25ueC5UZW5zb3JUeXBlUHJvdG8iSwoPVGVuc29yVHlwZVByb3RvEhEKCWVsZW1fdHlwZRgBIAEoBRIlCgVzaGFwZRgCIAEoCzIWLm9ubnguVGVuc29yU2hhcGVQcm90byJ0ChBUZW5zb3JTaGFwZVByb3RvEi0KA2RpbRgBIAMoCzIgLm9ubnguVGVuc29yU2hhcGVQcm90by5EaW1lbnNpb24aMQoJRGltZW5zaW9uEhEKCWRpbV92YWx1ZRgBIAEoAxIRCglkaW1fcGFyYW0YAiABKAkqkQEKDUF0dHJpYnV0ZVR5cGUSDQoJVU5ERUZJTkVEEAASCQoFRkxPQVQQARIHCgNJTlQQAhIKCgZTVFJJTkcQAxIKCgZURU5TT1IQBBIJCgVHUkFQSBAFEgoKBkZMT0FUUxAGEggKBElOVFMQBxILCgdTVFJJTkdTEAgSCwoHVEVOU09SUxAJEgoKBkdSQVBIUxAK',
  );

/**
 * @generated from message onnx.ModelProto
 */
export type ModelProto = Message<'onnx.ModelProto'> & {
  /**
   * @generated from field: optional int64 ir_version = 1;
   */
  irVersion: bigint;

  /**
   * @generated from field: optional string producer_name = 2;
   */
  producerName: string;

  /**
   * @generated from field: optional string producer_version = 3;
   */
  producerVersion: string;

  /**
   * @generated from field: optional onnx.GraphProto graph = 7;
   */
  graph?: GraphProto | undefined;

  /**
   * @generated from field: repeated onnx.OperatorSetIdProto opset_import = 8;
   */
  opsetImport: OperatorSetIdProto[];

  /**
   * @generated from field: repeated onnx.FunctionProto functions = 25;
   */
  functions: FunctionProto[];
};

/**
 * Describes the message onnx.ModelProto.
 * Use `create(ModelProtoSchema)` to create a new message.
 */
export const ModelProtoSchema: GenMessage<ModelProto> = /*@__PURE__*/ messageDesc(file_onnx, 0);

/**
 * @generated from message onnx.OperatorSetIdProto
 */
export type OperatorSetIdProto = Message<'onnx.OperatorSetIdProto'> & {
  /**
   * @generated from field: optional string domain = 1;
   */
  domain: string;

  /**
   * @generated from field: optional int64 version = 2;
   */
  version: bigint;
};

/**
 * Describes the message onnx.OperatorSetIdProto.
 * Use `create(OperatorSetIdProtoSchema)` to create a new message.
 */
export const OperatorSetIdProtoSchema: GenMessage<OperatorSetIdProto> =
  /*@__PURE__*/
  messageDesc(file_onnx, 1);

/**
 * @generated from message onnx.FunctionProto
 */
export type FunctionProto = Message<'onnx.FunctionProto'> & {
  /**
   * @generated from field: optional string name = 1;
   */
  name: string;

  /**
   * @generated from field: repeated onnx.NodeProto node = 7;
   */
  node: NodeProto[];

  /**
   * @generated from field: optional string domain = 10;
   */
  domain: string;
};

/**
 * Describes the message onnx.FunctionProto.
 * Use `create(FunctionProtoSchema)` to create a new message.
 */
export const FunctionProtoSchema: GenMessage<FunctionProto> =
  /*@__PURE__*/
  messageDesc(file_onnx, 2);

/**
 * @generated from message onnx.GraphProto
 */
export type GraphProto = Message<'onnx.GraphProto'> & {
  /**
   * @generated from field: repeated onnx.NodeProto node = 1;
   */
  node: NodeProto[];

  /**
   * @generated from field: optional string name = 2;
   */
  name: string;

  /**
   * @generated from field: repeated onnx.TensorProto initializer = 5;
   */
  initializer: TensorProto[];

  /**
   * @generated from field: repeated onnx.ValueInfoProto input = 11;
   */
  input: ValueInfoProto[];

  /**
   * @generated from field: repeated onnx.ValueInfoProto output = 12;
   */
  output: ValueInfoProto[];

  /**
   * @generated from field: repeated onnx.ValueInfoProto value_info = 13;
   */
  valueInfo: ValueInfoProto[];

  /**
   * @generated from field: repeated onnx.SparseTensorProto sparse_initializer = 15;
   */
  sparseInitializer: SparseTensorProto[];
};

/**
 * Describes the message onnx.GraphProto.
 * Use `create(GraphProtoSchema)` to create a new message.
 */
export const GraphProtoSchema: GenMessage<GraphProto> = /*@__PURE__*/ messageDesc(file_onnx, 3);

/**
 * @generated from message onnx.NodeProto
 */
export type NodeProto = Message<'onnx.NodeProto'> & {
  /**
   * @generated from field: repeated string input = 1;
   */
  input: string[];

  /**
   * @generated from field: repeated string output = 2;
   */
  output: string[];

  /**
   * @generated from field: optional string name = 3;
   */
  name: string;

  /**
   * @generated from field: optional string op_type = 4;
   */
  opType: string;

  /**
   * @generated from field: repeated onnx.AttributeProto attribute = 5;
   */
  attribute: AttributeProto[];

  /**
   * @generated from field: optional string domain = 7;
   */
  domain: string;
};

/**
 * Describes the message onnx.NodeProto.
 * Use `create(NodeProtoSchema)` to create a new message.
 */
export const NodeProtoSchema: GenMessage<NodeProto> = /*@__PURE__*/ messageDesc(file_onnx, 4);

/**
 * @generated from message onnx.AttributeProto
 */
export type AttributeProto = Message<'onnx.AttributeProto'> & {
  /**
   * @generated from field: optional string name = 1;
   */
  name: string;

  /**
   * @generated from field: optional float f = 2;
   */
  f: number;

  /**
   * @generated from field: optional int64 i = 3;
   */
  i: bigint;

  /**
   * @generated from field: optional bytes s = 4;
   */
  s: Uint8Array;

  /**
   * @generated from field: optional onnx.TensorProto t = 5;
   */
  t?: TensorProto | undefined;

  /**
   * @generated from field: optional onnx.GraphProto g = 6;
   */
  g?: GraphProto | undefined;

  /**
   * @generated from field: repeated float floats = 7;
   */
  floats: number[];

  /**
   * @generated from field: repeated int64 ints = 8;
   */
  ints: bigint[];

  /**
   * @generated from field: repeated bytes strings = 9;
   */
  strings: Uint8Array[];

  /**
   * @generated from field: repeated onnx.TensorProto tensors = 10;
   */
  tensors: TensorProto[];

  /**
   * @generated from field: repeated onnx.GraphProto graphs = 11;
   */
  graphs: GraphProto[];

  /**
   * @generated from field: optional onnx.AttributeType type = 20;
   */
  type: AttributeType;

  /**
   * @generated from field: optional string ref_attr_name = 21;
   */
  refAttrName: string;
};

/**
 * Describes the message onnx.AttributeProto.
 * Use `create(AttributeProtoSchema)` to create a new message.
 */
export const AttributeProtoSchema: GenMessage<AttributeProto> =
  /*@__PURE__*/
  messageDesc(file_onnx, 5);

/**
 * @generated from message onnx.TensorProto
 */
export type TensorProto = Message<'onnx.TensorProto'> & {
  /**
   * @generated from field: repeated int64 dims = 1;
   */
  dims: bigint[];

  /**
   * @generated from field: optional int32 data_type = 2;
   */
  dataType: number;

  /**
   * @generated from field: repeated float float_data = 4 [packed = true];
   */
  floatData: number[];

  /**
   * @generated from field: repeated int32 int32_data = 5 [packed = true];
   */
  int32Data: number[];

  /**
   * @generated from field: repeated bytes string_data = 6;
   */
  stringData: Uint8Array[];

  /**
   * @generated from field: repeated int64 int64_data = 7 [packed = true];
   */
  int64Data: bigint[];

  /**
   * @generated from field: optional string name = 8;
   */
  name: string;

  /**
   * @generated from field: optional bytes raw_data = 9;
   */
  rawData: Uint8Array;

  /**
   * @generated from field: repeated double double_data = 10 [packed = true];
   */
  doubleData: number[];

  /**
   * @generated from field: repeated uint64 uint64_data = 11 [packed = true];
   */
  uint64Data: bigint[];

  /**
   * @generated from field: repeated onnx.StringStringEntryProto external_data = 13;
   */
  externalData: StringStringEntryProto[];

  /**
   * @generated from field: optional onnx.TensorProto.DataLocation data_location = 14;
   */
  dataLocation: TensorProto_DataLocation;
};

/**
 * Describes the message onnx.TensorProto.
 * Use `create(TensorProtoSchema)` to create a new message.
 */
export const TensorProtoSchema: GenMessage<TensorProto> = /*@__PURE__*/ messageDesc(file_onnx, 6);

/**
 * @generated from enum onnx.TensorProto.DataLocation
 */
export enum TensorProto_DataLocation {
  /**
   * @generated from enum value: DEFAULT = 0;
   */
  DEFAULT = 0,

  /**
   * @generated from enum value: EXTERNAL = 1;
   */
  EXTERNAL = 1,
}

/**
 * Describes the enum onnx.TensorProto.DataLocation.
 */
export const TensorProto_DataLocationSchema: GenEnum<TensorProto_DataLocation> =
  /*@__PURE__*/
  enumDesc(file_onnx, 6, 0);

/**
 * @generated from message onnx.SparseTensorProto
 */
export type SparseTensorProto = Message<'onnx.SparseTensorProto'> & {
  /**
   * @generated from field: optional onnx.TensorProto values = 1;
   */
  values?: TensorProto | undefined;
};

/**
 * Describes the message onnx.SparseTensorProto.
 * Use `create(SparseTensorProtoSchema)` to create a new message.
 */
export const SparseTensorProtoSchema: GenMessage<SparseTensorProto> =
  /*@__PURE__*/
  messageDesc(file_onnx, 7);

/**
 * @generated from message onnx.StringStringEntryProto
 */
export type StringStringEntryProto = Message<'onnx.StringStringEntryProto'> & {
  /**
   * @generated from field: optional string key = 1;
   */
  key: string;

  /**
   * @generated from field: optional string value = 2;
   */
  value: string;
};

/**
 * Describes the message onnx.StringStringEntryProto.
 * Use `create(StringStringEntryProtoSchema)` to create a new message.
 */
export const StringStringEntryProtoSchema: GenMessage<StringStringEntryProto> =
  /*@__PURE__*/
  messageDesc(file_onnx, 8);

/**
 * @generated from message onnx.ValueInfoProto
 */
export type ValueInfoProto = Message<'onnx.ValueInfoProto'> & {
  /**
   * @generated from field: optional string name = 1;
   */
  name: string;

  /**
   * @generated from field: optional onnx.TypeProto type = 2;
   */
  type?: TypeProto | undefined;
};

/**
 * Describes the message onnx.ValueInfoProto.
 * Use `create(ValueInfoProtoSchema)` to create a new message.
 */
export const ValueInfoProtoSchema: GenMessage<ValueInfoProto> =
  /*@__PURE__*/
  messageDesc(file_onnx, 9);

/**
 * @generated from message onnx.TypeProto
 */
export type TypeProto = Message<'onnx.TypeProto'> & {
  /**
   * @generated from field: optional onnx.TensorTypeProto tensor_type = 1;
   */
  tensorType?: TensorTypeProto | undefined;
};

/**
 * Describes the message onnx.TypeProto.
 * Use `create(TypeProtoSchema)` to create a new message.
 */
export const TypeProtoSchema: GenMessage<TypeProto> = /*@__PURE__*/ messageDesc(file_onnx, 10);

/**
 * TypeProto.Tensor.
 *
 * @generated from message onnx.TensorTypeProto
 */
export type TensorTypeProto = Message<'onnx.TensorTypeProto'> & {
  /**
   * @generated from field: optional int32 elem_type = 1;
   */
  elemType: number;

  /**
   * @generated from field: optional onnx.TensorShapeProto shape = 2;
   */
  shape?: TensorShapeProto | undefined;
};

/**
 * Describes the message onnx.TensorTypeProto.
 * Use `create(TensorTypeProtoSchema)` to create a new message.
 */
export const TensorTypeProtoSchema: GenMessage<TensorTypeProto> =
  /*@__PURE__*/
  messageDesc(file_onnx, 11);

/**
 * @generated from message onnx.TensorShapeProto
 */
export type TensorShapeProto = Message<'onnx.TensorShapeProto'> & {
  /**
   * @generated from field: repeated onnx.TensorShapeProto.Dimension dim = 1;
   */
  dim: TensorShapeProto_Dimension[];
};

/**
 * Describes the message onnx.TensorShapeProto.
 * Use `create(TensorShapeProtoSchema)` to create a new message.
 */
export const TensorShapeProtoSchema: GenMessage<TensorShapeProto> =
  /*@__PURE__*/
  messageDesc(file_onnx, 12);

/**
 * A oneof in ONNX's schema, which is the same on the wire.
 *
 * @generated from message onnx.TensorShapeProto.Dimension
 */
export type TensorShapeProto_Dimension = Message<'onnx.TensorShapeProto.Dimension'> & {
  /**
   * @generated from field: optional int64 dim_value = 1;
   */
  dimValue: bigint;

  /**
   * @generated from field: optional string dim_param = 2;
   */
  dimParam: string;
};

/**
 * Describes the message onnx.TensorShapeProto.Dimension.
 * Use `create(TensorShapeProto_DimensionSchema)` to create a new message.
 */
export const TensorShapeProto_DimensionSchema: GenMessage<TensorShapeProto_Dimension> =
  /*@__PURE__*/
  messageDesc(file_onnx, 12, 0);

/**
 * @generated from enum onnx.AttributeType
 */
export enum AttributeType {
  /**
   * @generated from enum value: UNDEFINED = 0;
   */
  UNDEFINED = 0,

  /**
   * @generated from enum value: FLOAT = 1;
   */
  FLOAT = 1,

  /**
   * @generated from enum value: INT = 2;
   */
  INT = 2,

  /**
   * @generated from enum value: STRING = 3;
   */
  STRING = 3,

  /**
   * @generated from enum value: TENSOR = 4;
   */
  TENSOR = 4,

  /**
   * @generated from enum value: GRAPH = 5;
   */
  GRAPH = 5,

  /**
   * @generated from enum value: FLOATS = 6;
   */
  FLOATS = 6,

  /**
   * @generated from enum value: INTS = 7;
   */
  INTS = 7,

  /**
   * @generated from enum value: STRINGS = 8;
   */
  STRINGS = 8,

  /**
   * @generated from enum value: TENSORS = 9;
   */
  TENSORS = 9,

  /**
   * @generated from enum value: GRAPHS = 10;
   */
  GRAPHS = 10,
}

/**
 * Describes the enum onnx.AttributeType.
 */
export const AttributeTypeSchema: GenEnum<AttributeType> = /*@__PURE__*/ enumDesc(file_onnx, 0);
