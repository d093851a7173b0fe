#include "engine/step_cost.h"

#include <algorithm>
#include <string_view>

namespace sardonyx {
namespace {

enum class Rule : uint8_t {
  kElementwise,
  kMoves,       // no arithmetic
  kSelects,     // no arithmetic, and of input 0 only what is written
  kConv,        // `operand`: the weights [filters, channels, kernel…]
  kTransposed,  // `operand`: the weights [channels, filters, kernel…]
  kMatMul,      // the last dim of input 0 is summed over
  kGemm,
  kAttention,  // input 1: the keys; output 1: those with the past, or absent
  kRecurrent,  // inputs 0 to 2: X, W and R
  kPool,
};

struct Entry {
  std::string_view type;
  Rule rule;
  uint8_t operand = 0;
};

constexpr Entry kEntries[] = {
    {"Conv", Rule::kConv, 1},
    {"FusedConv", Rule::kConv, 1},
    {"ConvInteger", Rule::kConv, 1},
    {"DeformConv", Rule::kConv, 1},
    {"CausalConvWithState", Rule::kConv, 1},
    {"QLinearConv", Rule::kConv, 3},
    {"FusedQLinearConv", Rule::kConv, 3},
    {"FusedConvInteger", Rule::kConv, 3},
    {"ConvTranspose", Rule::kTransposed, 1},
    {"MatMul", Rule::kMatMul},
    {"MatMulInteger", Rule::kMatMul},
    {"MatMulNBits", Rule::kMatMul},
    {"QLinearMatMul", Rule::kMatMul},
    {"FusedQLinearMatMul", Rule::kMatMul},
    {"FusedMatMulInteger", Rule::kMatMul},
    {"FusedMatMul", Rule::kMatMul},
    {"Gemm", Rule::kGemm},
    {"FusedGemm", Rule::kGemm},
    {"Attention", Rule::kAttention},
    {"FusedAttention", Rule::kAttention},
    {"MultiHeadAttention", Rule::kAttention},
    {"GroupQueryAttention", Rule::kAttention},
    {"LSTM", Rule::kRecurrent},
    {"GRU", Rule::kRecurrent},
    {"RNN", Rule::kRecurrent},
    {"MaxPool", Rule::kPool},
    {"AveragePool", Rule::kPool},
    {"LpPool", Rule::kPool},
    {"Slice", Rule::kSelects},
    {"Gather", Rule::kSelects},
    {"GatherElements", Rule::kSelects},
    {"GatherND", Rule::kSelects},
    {"Compress", Rule::kSelects},
    {"Transpose", Rule::kMoves},
    {"ConvertLayout", Rule::kMoves},
    {"Concat", Rule::kMoves},
    {"Split", Rule::kMoves},
    {"Pad", Rule::kMoves},
    {"Expand", Rule::kMoves},
    {"Tile", Rule::kMoves},
    {"Reshape", Rule::kMoves},
    {"Identity", Rule::kMoves},
    {"DepthToSpace", Rule::kMoves},
    {"SpaceToDepth", Rule::kMoves},
    {"ScatterElements", Rule::kMoves},
    {"ScatterND", Rule::kMoves},
    {"TensorScatter", Rule::kMoves},
};

Entry entry_of(std::string_view type) {
  for (const Entry& entry : kEntries) {
    if (entry.type == type) return entry;
  }
  return {type, Rule::kElementwise};
}

using Views = std::span<const TensorView>;

double elements(Views views, size_t i) {
  return i < views.size() && views[i].present() ? static_cast<double>(views[i].elements()) : 0;
}

// The dim, counted from the last one if negative; 0 where there is none.
double dim(Views views, size_t i, int axis) {
  if (i >= views.size() || !views[i].present()) return 0;
  const Shape& shape = views[i].shape;
  if (axis < 0) axis += shape.rank();
  return axis >= 0 && axis < shape.rank() ? static_cast<double>(shape[axis]) : 0;
}

double per(double amount, double parts) {
  return parts > 0 ? amount / parts : 0;
}

double gemm_depth(const Node& node, Views inputs) {
  return dim(inputs, 0, node.attributes.get_int("transA", 0) != 0 ? 0 : 1);
}

double window(const Node& node) {
  double size = 1;
  for (const int64_t extent : node.attributes.get_ints("kernel_shape")) {
    size *= static_cast<double>(extent);
  }
  return size;
}

double keys(const Node& node, Views inputs, Views outputs) {
  // Of FusedAttention.
  const auto views = node.attributes.get_ints("views");
  if (views.size() > 6) return dim(inputs, 1, static_cast<int>(views[6]));
  if (const double all = dim(outputs, 1, -2); all > 0) return all;
  const double given = dim(inputs, 1, -2);
  return given > 0 ? given : dim(inputs, 0, -2);
}

double flops_of(const Entry& entry, const Node& node, Views inputs, Views outputs) {
  const size_t weights = entry.operand;
  const double out = elements(outputs, 0);
  switch (entry.rule) {
    case Rule::kElementwise:
      return std::max(elements(inputs, 0), out);
    case Rule::kMoves:
    case Rule::kSelects:
      return 0;
    case Rule::kConv:
      return 2 * out * per(elements(inputs, weights), dim(inputs, weights, 0));
    case Rule::kTransposed:
      return 2 * elements(inputs, 0) * per(elements(inputs, weights), dim(inputs, weights, 0));
    case Rule::kMatMul:
      return 2 * out * dim(inputs, 0, -1);
    case Rule::kGemm:
      return 2 * out * gemm_depth(node, inputs);
    case Rule::kAttention:
      return 4 * out * keys(node, inputs, outputs);
    case Rule::kRecurrent:
      return 2 * dim(inputs, 0, 0) * dim(inputs, 0, 1) *
             (elements(inputs, 1) + elements(inputs, 2));
    case Rule::kPool:
      return out * window(node);
  }
  return 0;
}

int64_t total_bytes(Views views) {
  int64_t total = 0;
  for (const TensorView& view : views) total += static_cast<int64_t>(view.bytes());
  return total;
}

}  // namespace

StepCost cost_of(const Node& node, Views inputs, Views outputs) {
  const Entry entry = entry_of(node.type);
  const bool selects = entry.rule == Rule::kSelects && !inputs.empty();
  const int64_t written = total_bytes(outputs);
  const int64_t read = selects ? written + total_bytes(inputs.subspan(1)) : total_bytes(inputs);
  return {flops_of(entry, node, inputs, outputs), read + written};
}

}  // namespace sardonyx
