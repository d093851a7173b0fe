// Quantized weights that no integer operator has taken become floats.
#include "engine/passes/constant_folding.h"
#include "engine/passes/pattern.h"

namespace sardonyx {

Status pass_fold_dequantize(Graph& graph, bool& changed) {
  return fold_constant_nodes(
      graph, [](const Node& node) { return is_op(node, "DequantizeLinear"); }, changed);
}

}  // namespace sardonyx
