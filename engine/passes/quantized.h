// Looking for quantized values in a graph that is being rewritten.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/graph.h"

namespace sardonyx {

// A tensor of int8 or uint8 with constant parameters.
struct QuantizedValue {
  ValueId q = kNoValue;
  ValueId scale = kNoValue;  // float32
  ValueId zero = kNoValue;   // kNoValue: 0
  int64_t channels = 1;      // scales
  int64_t axis = 1;          // as the node says; counts when there is more than one scale
};

// What a float32 value is the DequantizeLinear of; nullopt when it is not, or in other dtypes.
std::optional<QuantizedValue> dequantized(const Graph& graph, ValueId value);
// What a QuantizeLinear of float32 gives; nullopt for other nodes and other dtypes.
std::optional<QuantizedValue> quantized(const Graph& graph, const Node& node);

// One scale for the whole tensor.
inline bool is_per_tensor(const QuantizedValue& value) {
  return value.channels == 1;
}
// Two per-tensor values of one dtype mean the same by the same bits.
bool same_quantization(const Graph& graph, const QuantizedValue& a, const QuantizedValue& b);

}  // namespace sardonyx
