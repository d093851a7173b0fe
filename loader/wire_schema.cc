#include "loader/wire_schema.h"

#include "onnx/onnx.pb.h"

namespace sardonyx {
namespace {

using onnx::AttributeProto;
using onnx::FunctionProto;
using onnx::GraphProto;
using onnx::ModelProto;
using onnx::NodeProto;
using onnx::SparseTensorProto;
using onnx::TensorProto;
using onnx::ValueInfoProto;
using enum MessageKind;
using enum FieldAction;

constexpr uint8_t bit(WireType type) {
  return static_cast<uint8_t>(1 << static_cast<int>(type));
}
constexpr uint8_t kBytes = bit(WireType::kBytes);
constexpr uint8_t kVarint = bit(WireType::kVarint);
// Repeated numbers come packed or one by one.
constexpr uint8_t kVarints = kVarint | kBytes;
constexpr uint8_t kFixed32 = bit(WireType::kFixed32);
constexpr uint8_t kFixed32s = kFixed32 | kBytes;
constexpr uint8_t kFixed64s = bit(WireType::kFixed64) | kBytes;

constexpr FieldRule kRules[] = {
    {kModel, ModelProto::kIrVersionFieldNumber, kVarint, kKeep},
    {kModel, ModelProto::kProducerNameFieldNumber, kBytes, kKeep},
    {kModel, ModelProto::kProducerVersionFieldNumber, kBytes, kKeep},
    {kModel, ModelProto::kDomainFieldNumber, kBytes, kDrop},
    {kModel, ModelProto::kModelVersionFieldNumber, kVarint, kDrop},
    {kModel, ModelProto::kDocStringFieldNumber, kBytes, kDrop},
    {kModel, ModelProto::kGraphFieldNumber, kBytes, kMessage, kGraph},
    {kModel, ModelProto::kOpsetImportFieldNumber, kBytes, kKeep},
    {kModel, ModelProto::kMetadataPropsFieldNumber, kBytes, kDrop},
    {kModel, ModelProto::kTrainingInfoFieldNumber, kBytes, kDrop},
    {kModel, ModelProto::kFunctionsFieldNumber, kBytes, kMessage, kFunction},

    {kFunction, FunctionProto::kNameFieldNumber, kBytes, kKeep},
    {kFunction, FunctionProto::kInputFieldNumber, kBytes, kKeep},
    {kFunction, FunctionProto::kOutputFieldNumber, kBytes, kKeep},
    {kFunction, FunctionProto::kAttributeProtoFieldNumber, kBytes, kMessage, kAttribute},
    {kFunction, FunctionProto::kNodeFieldNumber, kBytes, kMessage, kNode},
    {kFunction, FunctionProto::kOpsetImportFieldNumber, kBytes, kKeep},
    {kFunction, FunctionProto::kDomainFieldNumber, kBytes, kKeep},
    {kFunction, FunctionProto::kOverloadFieldNumber, kBytes, kKeep},

    {kGraph, GraphProto::kNodeFieldNumber, kBytes, kMessage, kNode},
    {kGraph, GraphProto::kNameFieldNumber, kBytes, kKeep},
    {kGraph, GraphProto::kInitializerFieldNumber, kBytes, kMessage, kTensor},
    {kGraph, GraphProto::kSparseInitializerFieldNumber, kBytes, kMessage, kSparseTensor},
    {kGraph, GraphProto::kInputFieldNumber, kBytes, kMessage, kValueInfo},
    {kGraph, GraphProto::kOutputFieldNumber, kBytes, kMessage, kValueInfo},
    {kGraph, GraphProto::kValueInfoFieldNumber, kBytes, kMessage, kValueInfo},

    {kNode, NodeProto::kInputFieldNumber, kBytes, kKeep},
    {kNode, NodeProto::kOutputFieldNumber, kBytes, kKeep},
    {kNode, NodeProto::kNameFieldNumber, kBytes, kKeep},
    {kNode, NodeProto::kOpTypeFieldNumber, kBytes, kKeep},
    {kNode, NodeProto::kAttributeFieldNumber, kBytes, kMessage, kAttribute},
    {kNode, NodeProto::kDomainFieldNumber, kBytes, kKeep},
    {kNode, NodeProto::kOverloadFieldNumber, kBytes, kKeep},

    {kAttribute, AttributeProto::kNameFieldNumber, kBytes, kKeep},
    {kAttribute, AttributeProto::kFFieldNumber, kFixed32, kKeep},
    {kAttribute, AttributeProto::kIFieldNumber, kVarint, kKeep},
    {kAttribute, AttributeProto::kSFieldNumber, kBytes, kKeep},
    {kAttribute, AttributeProto::kTFieldNumber, kBytes, kMessage, kTensor},
    {kAttribute, AttributeProto::kGFieldNumber, kBytes, kMessage, kGraph},
    {kAttribute, AttributeProto::kFloatsFieldNumber, kFixed32s, kKeep},
    {kAttribute, AttributeProto::kIntsFieldNumber, kVarints, kKeep},
    {kAttribute, AttributeProto::kStringsFieldNumber, kBytes, kKeep},
    {kAttribute, AttributeProto::kTpFieldNumber, kBytes, kKeep},
    {kAttribute, AttributeProto::kTypeFieldNumber, kVarint, kKeep},
    {kAttribute, AttributeProto::kRefAttrNameFieldNumber, kBytes, kKeep},

    {kTensor, TensorProto::kDimsFieldNumber, kVarints, kKeep},
    {kTensor, TensorProto::kDataTypeFieldNumber, kVarint, kKeep},
    {kTensor, TensorProto::kSegmentFieldNumber, kBytes, kReserved},
    {kTensor, TensorProto::kFloatDataFieldNumber, kFixed32s, kPayload},
    {kTensor, TensorProto::kInt32DataFieldNumber, kVarints, kPayload},
    {kTensor, TensorProto::kStringDataFieldNumber, kBytes, kKeep},
    {kTensor, TensorProto::kInt64DataFieldNumber, kVarints, kPayload},
    {kTensor, TensorProto::kNameFieldNumber, kBytes, kKeep},
    {kTensor, TensorProto::kRawDataFieldNumber, kBytes, kPayload},
    {kTensor, TensorProto::kDoubleDataFieldNumber, kFixed64s, kPayload},
    {kTensor, TensorProto::kUint64DataFieldNumber, kVarints, kPayload},
    {kTensor, TensorProto::kExternalDataFieldNumber, kBytes, kKeep},
    {kTensor, TensorProto::kDataLocationFieldNumber, kVarint, kKeep},

    {kSparseTensor, SparseTensorProto::kValuesFieldNumber, kBytes, kMessage, kTensor},

    {kValueInfo, ValueInfoProto::kNameFieldNumber, kBytes, kKeep},
    {kValueInfo, ValueInfoProto::kTypeFieldNumber, kBytes, kKeep},
};

}  // namespace

const FieldRule* find_field(MessageKind message, uint32_t number) {
  for (const FieldRule& rule : kRules) {
    if (rule.message == message && rule.number == number) return &rule;
  }
  return nullptr;
}

}  // namespace sardonyx
