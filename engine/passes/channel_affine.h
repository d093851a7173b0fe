// A node seen as y = scale·x + shift, one pair per channel of its input.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/graph.h"

namespace sardonyx {

struct ChannelAffine {
  ValueId input = kNoValue;  // x
  std::vector<double> scale;
  std::vector<double> shift;
};

// BatchNormalization in inference mode and Add, Sub, Mul, Div with a constant, on float32, where
// `input` has `channels` channels on axis 1 of `rank` axes. All numbers are finite. nullopt when
// the node is anything else.
std::optional<ChannelAffine> channel_affine(const Graph& graph, const Node& node, ValueId input,
                                            int64_t channels, int rank);

}  // namespace sardonyx
