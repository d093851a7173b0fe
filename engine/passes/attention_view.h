// Where queries, keys or values lie in a tensor that is there before Transposes and the like.
#pragma once

#include <array>
#include <optional>

#include "engine/graph.h"

namespace sardonyx {

struct AttentionView {
  ValueId value = kNoValue;
  // Four numbers of `views` of sardonyx.FusedAttention (ops/fused_attention.cc): the axes of batch,
  // heads and length, -1 for none, and an index.
  std::array<int64_t, 4> numbers{};
  float scale = 1.0f;  // what is read counts so much
  int64_t repeat = 1;  // each head is there so often
};

enum class AttentionRole : uint8_t { kQueries, kKeys, kValues };

// Of a float32 value [batch, heads, length, size], or of rank 3 without the batch; keys have size
// and length exchanged. The earliest tensor from which Transposes and one Gather or Split lead to
// it, and, if they are no values, Mul and Div by a number, and, if they are no queries, Unsqueeze,
// Expand and Reshape that repeat heads. nullopt when the size is never the last axis.
std::optional<AttentionView> find_attention_view(const Graph& graph, ValueId value, int rank,
                                                 AttentionRole role);

}  // namespace sardonyx
