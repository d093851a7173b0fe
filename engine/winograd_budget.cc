#include "engine/winograd_budget.h"

#include <algorithm>
#include <set>
#include <utility>

#include "ops/conv_shape.h"
#include "simd/conv.h"
#include "simd/integer_winograd.h"
#include "simd/winograd.h"
#include "simd/winograd_line.h"
#include "simd/winograd_rows.h"

namespace sardonyx {
namespace {

constexpr int64_t kSmallBudget = 4 << 20;
constexpr int64_t kNoBudget = int64_t{1} << 60;
constexpr std::string_view kTile = "winograd_tile";
constexpr size_t kIntegerWeights = 3;  // input of QLinearConv

// Sums of dequantized numbers lie on a grid, and what is rounded next falls between two numbers
// exactly: the last bit decides.
bool is_dequantized(const Graph& graph, ValueId id) {
  const NodeId producer = id == kNoValue ? kNoNode : graph.values[id].producer;
  return producer != kNoNode && graph.nodes[producer].type == "DequantizeLinear";
}

// A convolution with constant fp32 weights over one to three axes, as it will be on channel blocks.
std::optional<simd::ConvSpec> conv_of(const Graph& graph, const Node& node) {
  if ((node.type != "Conv" && node.type != "FusedConv") || node.inputs.size() < 2) return {};
  if (is_dequantized(graph, node.inputs[0])) return {};
  const ValueId w = node.inputs[1];
  if (w == kNoValue || !graph.values[w].constant || graph.values[w].optional_input) return {};
  const Constant& weights = *graph.values[w].constant;
  if (weights.dtype != DType::kFloat32 || weights.shape.rank() > 5) return {};
  ops::Window window;
  auto spec =
      ops::conv_spec(node.attributes, weights.shape, Layout::kNC4HW4, Layout::kNC4HW4, window);
  if (!spec.ok()) return {};
  return spec.take();
}

// A convolution of bytes with constant weights.
std::optional<simd::ConvSpec> integer_conv_of(const Graph& graph, const Node& node) {
  if (node.type != "QLinearConv" && node.type != "FusedQLinearConv") return {};
  const ValueId w = node.inputs.size() > kIntegerWeights ? node.inputs[kIntegerWeights] : kNoValue;
  if (w == kNoValue || !graph.values[w].constant || graph.values[w].optional_input) return {};
  ops::Window window;
  auto spec = ops::conv_spec(node.attributes, graph.values[w].constant->shape, Layout::kRowMajor,
                             Layout::kRowMajor, window);
  if (!spec.ok()) return {};
  return spec.take();
}

// Bytes that the packed weights have more than without Winograd's algorithm.
int64_t integer_growth(const simd::ConvSpec& spec) {
  const int64_t more = simd::integer_winograd_row(spec) - simd::integer_row(spec.depth());
  return spec.out_channels * more * int64_t{sizeof(int16_t)};
}

// Floats that the packed weights have more than those of the model.
int64_t growth(const simd::ConvSpec& spec) {
  const auto packed = spec.winograd_tile == simd::kLineTile ? simd::winograd_line_packed_size(spec)
                      : spec.winograd_tile == simd::kRowsTile
                          ? simd::winograd_rows_packed_size(spec)
                          : simd::winograd_packed_size(spec);
  return packed.value_or(kNoBudget) - spec.out_channels * spec.depth();
}

}  // namespace

void choose_winograd(Graph& graph) {
  int64_t budget = 0;
  for (const Value& value : graph.values) {
    if (value.constant) budget += static_cast<int64_t>(value.constant->payload.bytes);
  }
  budget = std::max(budget / 2, kSmallBudget);
  std::set<std::pair<const Constant*, int>> paid;
  const auto affords = [&](const Constant* weights, int tile, int64_t bytes) {
    if (paid.contains({weights, tile})) return true;
    if (bytes > budget) return false;
    budget -= bytes;
    paid.insert({weights, tile});
    return true;
  };
  for (Node& node : graph.nodes) {
    if (node.inputs.empty() || node.inputs[0] == kNoValue) continue;
    const Value& x = graph.values[node.inputs[0]];
    const int rank = x.has_shape ? x.shape.rank() : 0;
    const int64_t height = rank == 4 ? x.shape[2] : rank == 3 ? 1 : kUnknownDim;
    const int64_t width = rank == 3 || rank == 4 ? x.shape[rank - 1] : kUnknownDim;
    int tile = 0;
    if (auto spec = conv_of(graph, node)) {
      const Constant* weights = graph.values[node.inputs[1]].constant.get();
      for (tile = 4; tile > 0; tile -= 2) {
        tile = spec->winograd_tile = simd::best_winograd_tile(*spec, height, width, tile);
        if (tile == 0 || affords(weights, tile, growth(*spec) * int64_t{sizeof(float)})) break;
      }
    } else if (auto integer = integer_conv_of(graph, node)) {
      const Constant* weights = graph.values[node.inputs[kIntegerWeights]].constant.get();
      const bool pays = simd::integer_winograd_pays(*integer, height, width);
      tile = pays && affords(weights, 4, integer_growth(*integer)) ? 4 : 0;
    }
    tile = std::max(tile, 0);
    if (tile > 0 || node.attributes.has(kTile)) {
      node.attributes.set(std::string(kTile), int64_t{tile});
    }
  }
}

}  // namespace sardonyx
