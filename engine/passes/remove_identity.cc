// Removes nodes that hand on an input unchanged.
#include <algorithm>

#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

bool all_equal(std::span<const int64_t> values, int64_t expected) {
  return std::all_of(values.begin(), values.end(), [=](int64_t v) { return v == expected; });
}

// In training mode Dropout is random; the mask, if somebody reads it, has to be made.
bool dropout_is_identity(const Graph& graph, const Node& node, const Readers& readers) {
  const ValueId mask = output_of(node, 1);
  if (mask != kNoValue && readers.count(mask) > 0) return false;
  if (node.opset < 7) return node.attributes.get_int("is_test", 0) != 0;
  const ValueId training = input_of(node, 2);
  if (training == kNoValue) return true;
  const ConstantPtr flag = fixed_constant(graph, training);
  return flag && flag->dtype == DType::kBool && flag->view().elements() == 1 &&
         *flag->payload.data() == 0;
}

// True when no axis moves, or only axes of one element do and the shape stays.
bool transpose_is_identity(const Node& node, const Value& input, const Value& output) {
  const auto perm = node.attributes.get_ints("perm");
  if (perm.empty()) return input.has_shape && input.shape.rank() <= 1;
  const bool same_shape = same_static_shape(input, output);
  if (same_shape && perm.size() != static_cast<size_t>(input.shape.rank())) return false;
  std::vector<int64_t> moved;
  for (int64_t axis : perm) {
    if (!same_shape || input.shape[static_cast<int>(axis)] != 1) moved.push_back(axis);
  }
  return std::is_sorted(moved.begin(), moved.end());
}

bool pad_is_identity(const Graph& graph, const Node& node) {
  if (node.opset < 11) {
    const auto pads = node.attributes.get_ints(node.opset < 2 ? "paddings" : "pads");
    return !pads.empty() && all_equal(pads, 0);
  }
  const auto pads = fixed_ints(graph, input_of(node, 1));
  return pads && all_equal(*pads, 0);
}

// For a Slice whose output has the shape of its input: only a negative step could move elements.
bool slice_keeps_order(const Graph& graph, const Node& node) {
  const ValueId steps_id = input_of(node, 4);
  if (steps_id == kNoValue) return true;
  const auto steps = fixed_ints(graph, steps_id);
  return steps && std::all_of(steps->begin(), steps->end(), [](int64_t s) { return s > 0; });
}

bool is_identity(const Graph& graph, const Node& node, const Readers& readers) {
  if (!node.domain.empty() || node.inputs.empty() || node.inputs[0] == kNoValue) return false;
  const Value& input = graph.values[node.inputs[0]];
  const Value& output = graph.values[node.outputs[0]];
  const std::string_view type = node.type;
  if (type == "Identity") return true;
  if (type == "Dropout") return dropout_is_identity(graph, node, readers);
  if (type == "Cast" || type == "CastLike") {
    return input.dtype != DType::kUndefined && input.dtype == output.dtype;
  }
  if (type == "Transpose") return transpose_is_identity(node, input, output);
  if (type == "Pad") return pad_is_identity(graph, node);
  if (type == "Slice") {
    return same_static_shape(input, output) && slice_keeps_order(graph, node);
  }
  if (type == "Concat" || type == "Sum" || type == "Max" || type == "Min" || type == "Mean") {
    return node.inputs.size() == 1;
  }
  if (type == "Reshape" || type == "Flatten" || type == "Squeeze" || type == "Unsqueeze" ||
      type == "Expand") {
    return same_static_shape(input, output);
  }
  return false;
}

}  // namespace

Status pass_remove_identity(Graph& graph, bool& changed) {
  const Readers readers(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  bool any = false;
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    if (output_of(node, 0) == kNoValue || !is_identity(graph, node, readers)) continue;
    if (bypass(graph, node.outputs[0], node.inputs[0])) remove[id] = any = true;
  }
  if (any) {
    erase_nodes(graph, remove);
    changed = true;
  }
  return {};
}

}  // namespace sardonyx
