#include "loader/graph_builder.h"

#include <utility>

#include "engine/bodies.h"
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
  if (!outer) return;
  depth_ = outer->depth_ + 1;
  own_scope_.around = outer->scope_;
  own_scope_.prefix = outer->scope_->prefix;
}

Result<std::unique_ptr<Graph>> GraphBuilder::build(const onnx::GraphProto& proto) {
  graph_->name = proto.name();
  SX_TRY(add_inputs(proto));
  SX_TRY(add_initializers(proto));
  SX_TRY(declare_outputs(proto.node()));
  SX_TRY(add_types(proto));
  graph_->nodes.reserve(static_cast<size_t>(proto.node_size()));
  SX_TRY(add_nodes(proto.node()));
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
    const auto known = scope_->ids.find(tensor.name());
    ValueId id = kNoValue;
    if (known == scope_->ids.end()) {
      SX_ASSIGN(id, declare(tensor.name()));
    } else {
      id = known->second;
      if (graph_->values[id].constant) return duplicate(tensor.name());
      graph_->values[id].optional_input = true;
    }
    SX_ASSIGN(ConstantPtr constant, decode(tensor));
    Value& value = graph_->values[id];
    value.dtype = constant->dtype;
    value.has_shape = true;
    value.shape = constant->shape;
    value.dim_symbols.clear();
    value.constant = std::move(constant);
  }
  return {};
}

// In a function, names that are outputs of it stand for values of the caller.
Status GraphBuilder::declare_outputs(const Nodes& protos) {
  for (const onnx::NodeProto& node : protos) {
    for (const std::string& name : node.output()) {
      if (name.empty() || (scope_->call && scope_->ids.contains(name))) continue;
      auto id = declare(name);
      if (!id.ok()) return id.take_status().at_node(node.name(), node.op_type());
    }
  }
  return {};
}

// Declared types of intermediate values; those of values that do not exist are ignored.
Status GraphBuilder::add_types(const onnx::GraphProto& proto) {
  for (const onnx::ValueInfoProto& info : proto.value_info()) {
    const auto known = scope_->ids.find(info.name());
    if (known == scope_->ids.end()) continue;
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

Status GraphBuilder::add_nodes(const Nodes& protos) {
  for (const onnx::NodeProto& proto : protos) {
    const onnx::FunctionProto* function = called_function(proto);
    Status status = function ? call_function(proto, *function) : add_node(proto);
    if (!status.ok()) return std::move(status).at_node(node_name(proto), proto.op_type());
  }
  return {};
}

std::string GraphBuilder::node_name(const onnx::NodeProto& proto) const {
  return proto.name().empty() ? std::string() : scope_->prefix + proto.name();
}

Status GraphBuilder::add_node(const onnx::NodeProto& proto) {
  Node node;
  node.name = node_name(proto);
  node.type = proto.op_type();
  node.domain = canonical_domain(proto.domain());
  node.opset = function_opset(node.domain);
  if (node.type.empty()) {
    return error(ErrorCode::MODEL_MALFORMED, "node '%s' has no operator", node.name.c_str());
  }
  for (const std::string& name : proto.input()) {
    node.inputs.push_back(name.empty() ? kNoValue : reference(name));
  }
  for (const std::string& name : proto.output()) {
    node.outputs.push_back(name.empty() ? kNoValue : scope_->ids.find(name)->second);
  }
  SX_TRY(add_attributes(proto, node));
  graph_->nodes.push_back(std::move(node));
  return {};
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

Result<ConstantPtr> GraphBuilder::decode(const onnx::TensorProto& proto) {
  if (model_.functions->active.empty()) return decode_tensor(proto, model_.sources);
  ConstantPtr& known = model_.functions->tensors[&proto];
  if (!known) {
    SX_ASSIGN(known, decode_tensor(proto, model_.sources));
  }
  return known;
}

Result<ValueId> GraphBuilder::declare(const std::string& name) {
  Value value;
  value.name = scope_->prefix + name;
  const auto [entry, inserted] =
      scope_->ids.emplace(name, static_cast<ValueId>(graph_->values.size()));
  if (!inserted) return duplicate(name);
  return graph_->add_value(std::move(value));
}

std::optional<ValueId> GraphBuilder::find(const std::string& name) {
  const auto known = scope_->ids.find(name);
  if (known != scope_->ids.end()) return known->second;
  // A function sees nothing of what is around the call.
  const auto source = outer_ && !scope_->call ? outer_->find(name) : std::nullopt;
  if (!source) return std::nullopt;
  if (*source == kNoValue) return scope_->ids.emplace(name, kNoValue).first->second;
  const Value& original = outer_->graph_->values[*source];
  Value value;
  value.name = original.name;
  value.dtype = original.dtype;
  value.kind = original.kind;
  value.has_shape = original.has_shape;
  value.shape = original.shape;
  const bool fixed = original.constant && !original.optional_input;
  if (fixed) value.constant = original.constant;
  const ValueId id = graph_->add_value(std::move(value));
  scope_->ids.emplace(name, id);
  if (!fixed) {
    graph_->inputs.push_back(id);
    captured_.push_back(*source);
  }
  return id;
}

ValueId GraphBuilder::reference(const std::string& name) {
  if (const auto known = find(name)) return *known;
  Value value;
  value.name = scope_->prefix + name;
  const ValueId id = graph_->add_value(std::move(value));
  scope_->ids.emplace(name, id);
  return id;
}

Result<Attribute::Value> GraphBuilder::subgraph(const onnx::GraphProto& proto, Node& node) {
  if (depth_ == kMaxBodyDepth) {
    return error(ErrorCode::LIMIT_EXCEEDED, "%s is nested in more than %d bodies",
                 node.label().c_str(), kMaxBodyDepth);
  }
  GraphBuilder builder(model_, this);
  SX_ASSIGN(std::unique_ptr<Graph> graph, builder.build(proto));
  SX_TRY(normalize(*graph));
  node.inputs.insert(node.inputs.end(), builder.captured().begin(), builder.captured().end());
  return Attribute::Value(std::shared_ptr<Graph>(std::move(graph)));
}

}  // namespace sardonyx
