// onnx.AttributeProto → Attribute.
#include "loader/graph_builder.h"
#include "onnx/onnx.pb.h"

namespace sardonyx {
namespace {

using onnx::AttributeProto;

// Models of IR 1 do not say which field is in use.
AttributeProto::AttributeType type_of(const AttributeProto& proto) {
  if (proto.type() != AttributeProto::UNDEFINED) return proto.type();
  if (proto.has_f()) return AttributeProto::FLOAT;
  if (proto.has_i()) return AttributeProto::INT;
  if (proto.has_s()) return AttributeProto::STRING;
  if (proto.has_t()) return AttributeProto::TENSOR;
  if (proto.has_g()) return AttributeProto::GRAPH;
  if (proto.has_tp()) return AttributeProto::TYPE_PROTO;
  if (proto.floats_size()) return AttributeProto::FLOATS;
  if (proto.ints_size()) return AttributeProto::INTS;
  if (proto.strings_size()) return AttributeProto::STRINGS;
  return AttributeProto::UNDEFINED;
}

Result<Attribute::Value> value_type(const AttributeProto& proto, const Node& node) {
  ValueType type;
  const onnx::TypeProto::Tensor* element = element_type(proto.tp(), type.kind);
  if (!element || !is_known_dtype(element->elem_type())) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute '%s' of %s is a type without tensors",
                 proto.name().c_str(), node.label().c_str());
  }
  type.dtype = static_cast<DType>(element->elem_type());
  return Attribute::Value(type);
}

}  // namespace

Status GraphBuilder::add_attributes(const onnx::NodeProto& proto, Node& node) {
  for (const AttributeProto& attribute : proto.attribute()) {
    if (attribute.name().empty() || node.attributes.has(attribute.name())) {
      return error(ErrorCode::ATTRIBUTE_INVALID, "%s has attribute '%s' twice or without a name",
                   node.label().c_str(), attribute.name().c_str());
    }
    SX_TRY(add_attribute(attribute, node));
  }
  return {};
}

// A reference to an attribute of the function, for which the call gives no value, leaves the
// attribute out.
Status GraphBuilder::add_attribute(const AttributeProto& proto, Node& node) {
  Scope* scope = scope_;
  const AttributeProto* source = dereference(proto, scope);
  if (!source) return {};
  const bool referenced = source != &proto;
  const bool is_graph = type_of(*source) == AttributeProto::GRAPH;
  if (referenced && proto.type() != AttributeProto::UNDEFINED && proto.type() != type_of(*source)) {
    return error(ErrorCode::ATTRIBUTE_INVALID,
                 "attribute '%s' of %s refers to '%s' of another type", proto.name().c_str(),
                 node.label().c_str(), proto.ref_attr_name().c_str());
  }
  if (referenced && is_graph && !scope_->call) {
    return error(ErrorCode::MODEL_UNSUPPORTED,
                 "a subgraph in a subgraph of a function is given "
                 "by attribute '%s', which is not supported",
                 proto.ref_attr_name().c_str());
  }
  std::swap(scope, scope_);
  auto value = attribute_value(*source, node);
  std::swap(scope, scope_);
  SX_TRY(value.take_status());
  node.attributes.set(proto.name(), value.take());
  return {};
}

Result<Attribute::Value> GraphBuilder::attribute_value(const AttributeProto& proto, Node& node) {
  using Value = Attribute::Value;
  switch (type_of(proto)) {
    case AttributeProto::INT:
      return Value(static_cast<int64_t>(proto.i()));
    case AttributeProto::FLOAT:
      return Value(proto.f());
    case AttributeProto::STRING:
      return Value(proto.s());
    case AttributeProto::INTS:
      return Value(std::vector<int64_t>(proto.ints().begin(), proto.ints().end()));
    case AttributeProto::FLOATS:
      return Value(std::vector<float>(proto.floats().begin(), proto.floats().end()));
    case AttributeProto::STRINGS:
      return Value(std::vector<std::string>(proto.strings().begin(), proto.strings().end()));
    case AttributeProto::TENSOR: {
      auto tensor = decode(proto.t());
      if (!tensor.ok()) return tensor.take_status().at_tensor(proto.name());
      return Value(tensor.take());
    }
    case AttributeProto::GRAPH:
      return subgraph(proto.g(), node);
    case AttributeProto::TYPE_PROTO:
      return value_type(proto, node);
    case AttributeProto::UNDEFINED:
      return error(ErrorCode::ATTRIBUTE_INVALID, "attribute '%s' of %s has neither type nor value",
                   proto.name().c_str(), node.label().c_str());
    default:
      return error(ErrorCode::MODEL_UNSUPPORTED,
                   "attribute '%s' of %s has type %d, which is not supported", proto.name().c_str(),
                   node.label().c_str(), static_cast<int>(proto.type()));
  }
}

}  // namespace sardonyx
