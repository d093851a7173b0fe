#include "engine/passes/shape_element.h"

#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

// Which operand of a Concat has element `i`, which becomes the index in it.
ValueId part_with(const Graph& graph, const Node& concat, int64_t& i) {
  for (ValueId part : concat.inputs) {
    const Value& value = graph.values[part];
    if (!value.has_shape || value.shape.rank() != 1 || value.shape[0] < 0) return kNoValue;
    if (i < value.shape[0]) return part;
    i -= value.shape[0];
  }
  return kNoValue;
}

}  // namespace

bool ShapeElement::is_dim(const Graph& graph, ValueId of, int of_axis) const {
  if (value == of && axis == of_axis) return true;
  return number >= 0 && number == graph.values[of].shape[of_axis];
}

std::optional<ShapeElement> shape_element(const Graph& graph, ValueId list, int64_t i) {
  for (;;) {
    if (const auto numbers = fixed_ints(graph, list)) {
      if (i < 0 || i >= static_cast<int64_t>(numbers->size())) return std::nullopt;
      return ShapeElement{.number = (*numbers)[static_cast<size_t>(i)]};
    }
    const NodeId id = graph.values[list].producer;
    if (id == kNoNode) return std::nullopt;
    const Node& node = graph.nodes[id];
    const ValueId first = input_of(node, 0);
    if (is_op(node, "Shape") && node.attributes.all().empty()) {
      const Value& value = graph.values[first];
      if (i < 0 && value.has_shape) i += value.shape.rank();
      return ShapeElement{.value = first, .axis = i};
    }
    if (is_op(node, "Concat")) {
      list = part_with(graph, node, i);
      if (list == kNoValue) return std::nullopt;
    } else if (is_op(node, "Gather")) {
      const auto index = fixed_ints(graph, node.inputs[1]);
      const bool of_list = graph.values[first].has_shape && graph.values[first].shape.rank() == 1;
      if (!index || !of_list || i < 0 || i >= static_cast<int64_t>(index->size())) {
        return std::nullopt;
      }
      i = (*index)[static_cast<size_t>(i)];
      list = first;
    } else if (is_op(node, "Where")) {
      const auto other = shape_element(graph, node.inputs[1], i);
      if (!other || other->number != 1) return std::nullopt;
      list = node.inputs[2];
    } else if (is_op(node, "Unsqueeze") || is_op(node, "Squeeze") || is_op(node, "Reshape") ||
               is_op(node, "Cast")) {
      list = first;
    } else {
      return std::nullopt;
    }
  }
}

}  // namespace sardonyx
