#include "engine/half_weights.h"

#include <algorithm>

#include "ops/convert.h"

namespace sardonyx {

bool takes_half(const Node& node, size_t i, const Constant& constant) {
  if (i != 1 || !(node.op->flags & kHalfWeights)) return false;
  // A single column is not packed, nor are scaled weights float16.
  if (constant.shape.rank() != 2 || constant.shape[0] < 2 || constant.shape[1] < 2) return false;
  if (node.attributes.get_float("alpha", 1.0f) != 1.0f) return false;
  const TensorView view = constant.view();
  const auto* halves = view.as<const uint16_t>();
  return std::all_of(halves, halves + view.elements(),
                     [](uint16_t half) { return (half & 0x7c00) != 0x7c00; });
}

Status widen_half_weights(Graph& graph, bool for_gpu) {
  const auto widen = [&](ValueId id) -> Status {
    if (!graph.values[id].is_stored_half()) return {};
    SX_ASSIGN(graph.values[id].constant, ops::floats_of(*graph.values[id].constant));
    return {};
  };
  for (const Node& node : graph.nodes) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId input = node.inputs[i];
      if (input == kNoValue) continue;
      const bool taken = !for_gpu && i == 1 && (node.op->flags & kHalfWeights);
      if (!taken) SX_TRY(widen(input));
    }
  }
  for (ValueId output : graph.outputs) SX_TRY(widen(output));
  return {};
}

}  // namespace sardonyx
