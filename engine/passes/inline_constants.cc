#include "engine/passes/inline_constants.h"

#include <cstring>
#include <vector>

#include "base/string_tensor.h"
#include "engine/bodies.h"
#include "engine/graph_edit.h"

namespace sardonyx {
namespace {

template <typename T>
Result<ConstantPtr> constant_of(const T* values, size_t count, bool scalar) {
  const Shape shape = scalar ? Shape() : Shape({static_cast<int64_t>(count)});
  SX_ASSIGN(const std::shared_ptr<Constant> constant, make_constant(kDTypeOf<T>, shape));
  if (count > 0) std::memcpy(constant->view().data, values, count * sizeof(T));
  return ConstantPtr(constant);
}

Result<ConstantPtr> value_of(const Node& node) {
  const Attributes& attributes = node.attributes;
  if (ConstantPtr tensor = attributes.get_tensor("value")) return tensor;
  if (attributes.has("value_float")) {
    const float number = attributes.get_float("value_float", 0.0f);
    return constant_of(&number, 1, true);
  }
  if (attributes.has("value_int")) {
    const int64_t number = attributes.get_int("value_int", 0);
    return constant_of(&number, 1, true);
  }
  if (attributes.has("value_floats")) {
    const auto numbers = attributes.get_floats("value_floats");
    return constant_of(numbers.data(), numbers.size(), false);
  }
  if (attributes.has("value_ints")) {
    const auto numbers = attributes.get_ints("value_ints");
    return constant_of(numbers.data(), numbers.size(), false);
  }
  if (attributes.has("value_string")) {
    const std::string_view text = attributes.get_string("value_string", "");
    SX_ASSIGN(const std::shared_ptr<Constant> constant, make_strings({}, {&text, 1}));
    return ConstantPtr(constant);
  }
  if (attributes.has("value_strings")) {
    const auto texts = attributes.get_strings("value_strings");
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    SX_ASSIGN(const std::shared_ptr<Constant> constant,
              make_strings({static_cast<int64_t>(views.size())}, views));
    return ConstantPtr(constant);
  }
  if (attributes.has("sparse_value")) {
    return error(ErrorCode::MODEL_UNSUPPORTED, "Constant with sparse_value is not supported");
  }
  return error(ErrorCode::ATTRIBUTE_INVALID, "Constant has no value");
}

}  // namespace

Status inline_constants(Graph& graph) {
  std::vector<bool> remove(graph.nodes.size(), false);
  bool any = false;
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    Node& node = graph.nodes[id];
    for (const Body& body : bodies_of(node)) {
      SX_TRY(inline_constants(*body.graph).in_body(describe_body(node, body.attribute)));
    }
    if (node.type != "Constant" || !node.domain.empty()) continue;
    auto constant = value_of(node);
    if (!constant.ok()) return constant.take_status().at_node(node.name, node.type);
    if (node.outputs.size() != 1 || node.outputs[0] == kNoValue) {
      return error(ErrorCode::MODEL_MALFORMED, "Constant must have one output")
          .at_node(node.name, node.type);
    }
    Value& value = graph.values[node.outputs[0]];
    value.constant = constant.take();
    value.dtype = value.constant->dtype;
    value.shape = value.constant->shape;
    value.has_shape = true;
    remove[id] = any = true;
  }
  if (any) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
