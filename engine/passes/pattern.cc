#include "engine/passes/pattern.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "engine/graph_edit.h"

namespace sardonyx {

Readers::Readers(const Graph& graph) : nodes_(consumers(graph)), outputs_(graph.values.size(), 0) {
  for (ValueId id : graph.outputs) ++outputs_[id];
}

size_t Readers::count(ValueId value) const {
  return value < nodes_.size() ? nodes_[value].size() + outputs_[value] : 1;
}

NodeId Readers::sole(ValueId value) const {
  return value < nodes_.size() && count(value) == 1 && outputs_[value] == 0 ? nodes_[value][0]
                                                                            : kNoNode;
}

bool is_op(const Node& node, std::string_view type) {
  return node.type == type && node.domain.empty();
}

ValueId input_of(const Node& node, size_t i) {
  return i < node.inputs.size() ? node.inputs[i] : kNoValue;
}

ValueId output_of(const Node& node, size_t i) {
  return i < node.outputs.size() ? node.outputs[i] : kNoValue;
}

bool has_fixed_value(const Graph& graph, ValueId id) {
  if (id == kNoValue) return false;
  const Value& value = graph.values[id];
  return value.constant && !value.optional_input && value.constant->payload.block;
}

ConstantPtr fixed_constant(const Graph& graph, ValueId id) {
  if (id == kNoValue) return nullptr;
  const Value& value = graph.values[id];
  return has_fixed_value(graph, id) && !value.is_stored_half() ? value.constant : nullptr;
}

ConstantPtr fixed_floats(const Graph& graph, ValueId id) {
  ConstantPtr constant = fixed_constant(graph, id);
  return constant && constant->dtype == DType::kFloat32 ? constant : nullptr;
}

std::optional<std::vector<int64_t>> fixed_ints(const Graph& graph, ValueId id) {
  const ConstantPtr constant = fixed_constant(graph, id);
  if (!constant) return std::nullopt;
  const TensorView view = constant->view();
  const auto count = static_cast<size_t>(view.elements());
  if (view.dtype == DType::kInt64) {
    const auto* data = view.as<int64_t>();
    return std::vector<int64_t>(data, data + count);
  }
  if (view.dtype == DType::kInt32) {
    const auto* data = view.as<int32_t>();
    return std::vector<int64_t>(data, data + count);
  }
  return std::nullopt;
}

std::optional<float> fixed_scalar(const Graph& graph, ValueId id) {
  const ConstantPtr constant = fixed_floats(graph, id);
  if (!constant || constant->view().elements() != 1) return std::nullopt;
  return *constant->view().as<float>();
}

std::optional<std::vector<float>> clip_bounds(const Graph& graph, const Node& node) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (node.opset < 11) {
    return std::vector<float>{node.attributes.get_float("min", -kInfinity),
                              node.attributes.get_float("max", kInfinity)};
  }
  std::vector<float> bounds{-kInfinity, kInfinity};
  for (size_t i = 0; i < 2; ++i) {
    if (input_of(node, i + 1) == kNoValue) continue;
    const auto bound = fixed_scalar(graph, node.inputs[i + 1]);
    if (!bound) return std::nullopt;
    bounds[i] = *bound;
  }
  return bounds;
}

bool same_static_shape(const Value& a, const Value& b) {
  return a.has_shape && b.has_shape && a.shape.is_known() && a.shape == b.shape;
}

ValueId add_constant(Graph& graph, std::string name, ConstantPtr constant) {
  Value value;
  value.name = std::move(name);
  value.dtype = constant->dtype;
  value.has_shape = true;
  value.shape = constant->shape;
  value.constant = std::move(constant);
  return graph.add_value(std::move(value));
}

Result<ValueId> add_constant(Graph& graph, std::string name, const Shape& shape,
                             std::span<const float> contents) {
  SX_ASSIGN(const std::shared_ptr<Constant> constant, make_constant(DType::kFloat32, shape));
  if (!contents.empty()) {
    std::memcpy(constant->view().data, contents.data(), contents.size_bytes());
  }
  return add_constant(graph, std::move(name), constant);
}

namespace {

// Appends `node`, with `inputs` and one new output of that dtype, under a name that `like` begins.
ValueId append(Graph& graph, Node node, const std::string& like, std::vector<ValueId> inputs,
               DType dtype) {
  Value value;
  value.name = like + "/" + node.type + std::to_string(graph.values.size());
  value.dtype = dtype;
  value.producer = static_cast<NodeId>(graph.nodes.size());
  node.name = value.name;
  node.inputs = std::move(inputs);
  node.outputs = {graph.add_value(std::move(value))};
  graph.nodes.push_back(std::move(node));
  return graph.nodes.back().outputs[0];
}

}  // namespace

ValueId append_node(Graph& graph, const Node& like, std::string_view type,
                    std::vector<ValueId> inputs, DType dtype) {
  Node node;
  node.type = type;
  node.opset = like.opset;
  node.op = find_operator("", type, like.opset);
  return append(graph, std::move(node), like.name, std::move(inputs), dtype);
}

ValueId append_copy(Graph& graph, NodeId like, std::vector<ValueId> inputs, DType dtype) {
  return append(graph, graph.nodes[like], graph.nodes[like].name, std::move(inputs), dtype);
}

void produce(Graph& graph, NodeId id, ValueId output) {
  ValueId& slot = graph.nodes[id].outputs[0];
  graph.values[slot].producer = kNoNode;
  graph.values[output].producer = id;
  slot = output;
}

bool bypass(Graph& graph, ValueId from, ValueId to) {
  if (!is_graph_output(graph, from)) {
    replace_uses(graph, from, to);
    return true;
  }
  const NodeId producer = graph.values[to].producer;
  if (producer == kNoNode || is_graph_output(graph, to)) return false;
  std::vector<ValueId>& outputs = graph.nodes[producer].outputs;
  std::replace(outputs.begin(), outputs.end(), to, from);
  replace_uses(graph, to, from);
  graph.values[from].producer = producer;
  graph.values[to].producer = kNoNode;
  return true;
}

}  // namespace sardonyx
