// Replaces nodes that compute the same values in every run by constants. Dequantized weights wait
// for fold_dequantize: integer operators may want them as they are.
#include "engine/passes/constant_folding.h"
#include "engine/passes/pattern.h"

namespace sardonyx {

Status pass_fold_constants(Graph& graph, bool& changed) {
  return fold_constant_nodes(
      graph, [](const Node& node) { return !is_op(node, "DequantizeLinear"); }, changed);
}

}  // namespace sardonyx
