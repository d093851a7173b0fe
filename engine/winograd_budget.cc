#include "engine/winograd_budget.h"

#include <algorithm>
#include <set>
#include <utility>

#include "ops/conv_shape.h"
#include "simd/conv.h"
#include "simd/winograd.h"
#include "simd/winograd_line.h"

namespace sardonyx {
namespace {

constexpr int64_t kSmallBudget = 4 << 20;
constexpr int64_t kNoBudget = int64_t{1} << 60;
constexpr std::string_view kTile = "winograd_tile";

// Sums of dequantized numbers lie on a grid, and what is rounded next falls between two numbers
// exactly: the last bit decides.
bool is_dequantized(const Graph& graph, ValueId id) {
  const NodeId producer = id == kNoValue ? kNoNode : graph.values[id].producer;
  return producer != kNoNode && graph.nodes[producer].type == "DequantizeLinear";
}

// A convolution with constant fp32 weights over one or two axes, as it will be on channel blocks.
std::optional<simd::ConvSpec> conv_of(const Graph& graph, const Node& node) {
  if ((node.type != "Conv" && node.type != "FusedConv") || node.inputs.size() < 2) return {};
  if (is_dequantized(graph, node.inputs[0])) return {};
  const ValueId w = node.inputs[1];
  if (w == kNoValue || !graph.values[w].constant || graph.values[w].optional_input) return {};
  const Constant& weights = *graph.values[w].constant;
  if (weights.dtype != DType::kFloat32 || weights.shape.rank() > 4) return {};
  ops::Window window;
  auto spec =
      ops::conv_spec(node.attributes, weights.shape, Layout::kNC4HW4, Layout::kNC4HW4, window);
  if (!spec.ok()) return {};
  return spec.take();
}

// Floats that the packed weights have more than those of the model.
int64_t growth(const simd::ConvSpec& spec) {
  const int64_t packed = spec.winograd_tile == simd::kLineTile
                             ? simd::winograd_line_packed_size(spec).value_or(kNoBudget)
                             : simd::winograd_packed_size(spec);
  return packed - spec.out_channels * spec.depth();
}

}  // namespace

void choose_winograd(Graph& graph) {
  int64_t budget = 0;
  for (const Value& value : graph.values) {
    if (value.constant) budget += static_cast<int64_t>(value.constant->payload.bytes);
  }
  budget = std::max(budget / 2, kSmallBudget);
  std::set<std::pair<const Constant*, int>> paid;
  for (Node& node : graph.nodes) {
    auto spec = conv_of(graph, node);
    if (!spec) continue;
    const Value& x = graph.values[node.inputs[0]];
    const bool has_map = x.has_shape && x.shape.rank() == 4;
    const int64_t height = has_map ? x.shape[2] : kUnknownDim;
    const int64_t width = has_map ? x.shape[3] : kUnknownDim;
    const Constant* weights = graph.values[node.inputs[1]].constant.get();
    int tile = 4;
    for (; tile > 0; tile -= 2) {
      tile = spec->winograd_tile = simd::best_winograd_tile(*spec, height, width, tile);
      if (tile == 0 || paid.contains({weights, tile})) break;
      const int64_t bytes = growth(*spec) * int64_t{sizeof(float)};
      if (bytes > budget) continue;
      budget -= bytes;
      paid.insert({weights, tile});
      break;
    }
    tile = std::max(tile, 0);
    if (tile > 0 || node.attributes.has(kTile))
      node.attributes.set(std::string(kTile), int64_t{tile});
  }
}

}  // namespace sardonyx
