#include "loader/graph_builder.h"

#include <utility>

#include "engine/graph_edit.h"
#include "onnx/onnx.pb.h"

namespace sardonyx {
namespace {

Status duplicate(const std::string& name) {
  return error(ErrorCode::GRAPH_DUPLICATE_NAME, "value '%s' is defined more than once",
               name.c_str())
      .at_tensor(name);
}

// Dims of an input, output or intermediate value. Some exporters write -1 for an unknown dim.
Status set_shape(Value& value, const onnx::TensorShapeProto& proto) {
  if (proto.dim_size() > kMaxRank) {
    return error(ErrorCode::LIMIT_EXCEEDED, "'%s' has %d dims; the limit is %d", value.name.c_str(),
                 proto.dim_size(), kMaxRank);
  }
  Shape shape;
  std::vector<std::string> symbols(static_cast<size_t>(proto.dim_size()));
  bool any_symbol = false;
  for (int axis = 0; axis < proto.dim_size(); ++axis) {
    const onnx::TensorShapeProto::Dimension& dim = proto.dim(axis);
    const int64_t size = dim.has_dim_value() ? dim.dim_value() : kUnknownDim;
    if (size < kUnknownDim) {
      return error(ErrorCode::TENSOR_DIMS, "'%s' has dim %lld, which is negative",
                   value.name.c_str(), static_cast<long long>(size));
    }
    shape.push_back(size);
    if (dim.has_dim_param()) {
      symbols[static_cast<size_t>(axis)] = dim.dim_param();
      any_symbol = any_symbol || !dim.dim_param().empty();
    }
  }
  if (shape.is_known() && !shape.elements()) {
    return error(ErrorCode::TENSOR_DIMS, "the product of the dims of '%s' overflows",
                 value.name.c_str());
  }
  value.has_shape = true;
  value.shape = shape;
  if (any_symbol) value.dim_symbols = std::move(symbols);
  return {};
}

}  // namespace

const onnx::TypeProto::Tensor* element_type(const onnx::TypeProto& type, ValueKind& kind) {
  const onnx::TypeProto* inner = &type;
  const bool optional = inner->has_optional_type();
  if (optional) inner = &inner->optional_type().elem_type();
  const bool sequence = inner->has_sequence_type();
  if (sequence) inner = &inner->sequence_type().elem_type();
  if (!inner->has_tensor_type()) return nullptr;
  kind = optional   ? sequence ? ValueKind::kOptionalSequence : ValueKind::kOptional
         : sequence ? ValueKind::kSequence
                    : ValueKind::kTensor;
  return &inner->tensor_type();
}

std::string_view canonical_domain(std::string_view domain) {
  return domain == "ai.onnx" ? std::string_view() : domain;
}

GraphBuilder::GraphBuilder(const ModelContext& model, GraphBuilder* outer)
    : model_(model), outer_(outer), graph_(std::make_unique<Graph>()) {
  graph_->opsets = model.opsets;
  graph_->ir_version = model.ir_version;
}

Result<std::unique_ptr<Graph>> GraphBuilder::build(const onnx::GraphProto& proto) {
  graph_->name = proto.name();
  SX_TRY(add_inputs(proto));
  SX_TRY(add_initializers(proto));
  SX_TRY(add_node_outputs(proto));
  SX_TRY(add_types(proto));
  graph_->nodes.resize(static_cast<size_t>(proto.node_size()));
  for (int i = 0; i < proto.node_size(); ++i) {
    Node& node = graph_->nodes[static_cast<size_t>(i)];
    Status status = add_node(proto.node(i), node);
    if (!status.ok()) return std::move(status).at_node(node.name, node.type);
  }
  SX_TRY(add_outputs(proto));
  return std::move(graph_);
}

Status GraphBuilder::add_inputs(const onnx::GraphProto& proto) {
  for (const onnx::ValueInfoProto& info : proto.input()) {
    if (info.name().empty()) {
      return error(ErrorCode::MODEL_MALFORMED, "a graph input has no name");
    }
    SX_ASSIGN(const ValueId id, declare(info.name()));
    SX_TRY(set_type(graph_->values[id], info));
    graph_->inputs.push_back(id);
  }
  return {};
}

Status GraphBuilder::add_initializers(const onnx::GraphProto& proto) {
  for (const onnx::SparseTensorProto& sparse : proto.sparse_initializer()) {
    const std::string& name = sparse.values().name();
    return error(ErrorCode::MODEL_UNSUPPORTED, "sparse initializer '%s' is not supported",
                 name.c_str())
        .at_tensor(name);
  }
  for (const onnx::TensorProto& tensor : proto.initializer()) {
    if (tensor.name().empty()) {
      return error(ErrorCode::MODEL_MALFORMED, "an initializer has no name");
    }
    const auto known = ids_.find(tensor.name());
    ValueId id = kNoValue;
    if (known == ids_.end()) {
      SX_ASSIGN(id, declare(tensor.name()));
    } else {
      id = known->second;
      if (graph_->values[id].constant) return duplicate(tensor.name());
      graph_->values[id].optional_input = true;
    }
    SX_ASSIGN(ConstantPtr constant, decode_tensor(tensor, model_.sources));
    Value& value = graph_->values[id];
    value.dtype = constant->dtype;
    value.has_shape = true;
    value.shape = constant->shape;
    value.dim_symbols.clear();
    value.constant = std::move(constant);
  }
  return {};
}

Status GraphBuilder::add_node_outputs(const onnx::GraphProto& proto) {
  for (const onnx::NodeProto& node : proto.node()) {
    for (const std::string& name : node.output()) {
      if (name.empty()) continue;
      auto id = declare(name);
      if (!id.ok()) return id.take_status().at_node(node.name(), node.op_type());
    }
  }
  return {};
}

// Declared types of intermediate values; those of values that do not exist are ignored.
Status GraphBuilder::add_types(const onnx::GraphProto& proto) {
  for (const onnx::ValueInfoProto& info : proto.value_info()) {
    const auto known = ids_.find(info.name());
    if (known == ids_.end()) continue;
    Value& value = graph_->values[known->second];
    if (!value.constant && value.dtype == DType::kUndefined) SX_TRY(set_type(value, info));
  }
  return {};
}

Status GraphBuilder::add_outputs(const onnx::GraphProto& proto) {
  for (const onnx::ValueInfoProto& info : proto.output()) {
    if (info.name().empty()) {
      return error(ErrorCode::MODEL_MALFORMED, "a graph output has no name");
    }
    const ValueId id = reference(info.name());
    // A subgraph may give one value twice; the caller of a model tells outputs apart by name.
    if (!outer_ && is_graph_output(*graph_, id)) return duplicate(info.name());
    Value& value = graph_->values[id];
    if (!value.constant) SX_TRY(set_type(value, info));
    graph_->outputs.push_back(id);
  }
  if (!outer_ && graph_->outputs.empty()) {
    return error(ErrorCode::MODEL_MALFORMED, "the graph has no outputs");
  }
  graph_->captured = captured_.size();
  return {};
}

Status GraphBuilder::add_node(const onnx::NodeProto& proto, Node& node) {
  node.name = proto.name();
  node.type = proto.op_type();
  node.domain = canonical_domain(proto.domain());
  if (node.type.empty()) {
    return error(ErrorCode::MODEL_MALFORMED, "node '%s' has no operator", node.name.c_str());
  }
  if (model_.functions.contains(node.domain + ":" + node.type)) {
    return error(ErrorCode::MODEL_UNSUPPORTED,
                 "%s calls a function of the model, which is not supported", node.label().c_str());
  }
  for (const std::string& name : proto.input()) {
    node.inputs.push_back(name.empty() ? kNoValue : reference(name));
  }
  for (const std::string& name : proto.output()) {
    node.outputs.push_back(name.empty() ? kNoValue : ids_.find(name)->second);
  }
  return add_attributes(proto, node);
}

Status GraphBuilder::set_type(Value& value, const onnx::ValueInfoProto& info) const {
  if (info.type().value_case() == onnx::TypeProto::VALUE_NOT_SET) return {};
  ValueKind kind = ValueKind::kTensor;
  const onnx::TypeProto::Tensor* type = element_type(info.type(), kind);
  if (!type) {
    return error(ErrorCode::MODEL_UNSUPPORTED,
                 "'%s' is neither tensor nor sequence or optional of tensors", info.name().c_str())
        .at_tensor(info.name());
  }
  const int32_t number = type->elem_type();
  if (number != 0 && !is_known_dtype(number)) {
    return error(ErrorCode::DTYPE_UNSUPPORTED, "'%s' has the unknown dtype number %d",
                 info.name().c_str(), number)
        .at_tensor(info.name());
  }
  value.kind = kind;
  if (number != 0) value.dtype = static_cast<DType>(number);
  if (!type->has_shape()) return {};
  return set_shape(value, type->shape()).at_tensor(info.name());
}

Result<ValueId> GraphBuilder::declare(const std::string& name) {
  Value value;
  value.name = name;
  const auto [entry, inserted] = ids_.emplace(name, static_cast<ValueId>(graph_->values.size()));
  if (!inserted) return duplicate(name);
  return graph_->add_value(std::move(value));
}

ValueId GraphBuilder::find(const std::string& name) {
  const auto known = ids_.find(name);
  if (known != ids_.end()) return known->second;
  const ValueId source = outer_ ? outer_->find(name) : kNoValue;
  if (source == kNoValue) return kNoValue;
  const Value& original = outer_->graph_->values[source];
  Value value;
  value.name = name;
  value.dtype = original.dtype;
  value.kind = original.kind;
  value.has_shape = original.has_shape;
  value.shape = original.shape;
  const bool fixed = original.constant && !original.optional_input;
  if (fixed) value.constant = original.constant;
  const ValueId id = graph_->add_value(std::move(value));
  ids_.emplace(name, id);
  if (!fixed) {
    graph_->inputs.push_back(id);
    captured_.push_back(source);
  }
  return id;
}

ValueId GraphBuilder::reference(const std::string& name) {
  const ValueId known = find(name);
  if (known != kNoValue) return known;
  Value value;
  value.name = name;
  const ValueId id = graph_->add_value(std::move(value));
  ids_.emplace(name, id);
  return id;
}

Result<Attribute::Value> GraphBuilder::subgraph(const onnx::GraphProto& proto, Node& node) {
  GraphBuilder builder(model_, this);
  SX_ASSIGN(std::unique_ptr<Graph> graph, builder.build(proto));
  SX_TRY(normalize(*graph));
  node.inputs.insert(node.inputs.end(), builder.captured().begin(), builder.captured().end());
  return Attribute::Value(std::shared_ptr<Graph>(std::move(graph)));
}

}  // namespace sardonyx
