// Patterns of products and sums of a value and a number.
#pragma once

#include <optional>
#include <string_view>

#include "base/status.h"
#include "engine/graph.h"

namespace sardonyx {

// A float32 value and the number that it is added to or multiplied by, its shape unchanged.
struct WithNumber {
  ValueId x = kNoValue;
  float number = 0;
};
// Of a node of two operands: operand `i` is the number.
std::optional<WithNumber> with_number(const Graph& graph, const Node& node, size_t i);
// x + number; x · number or x / (1 / number). `id` may be kNoNode.
std::optional<WithNumber> match_sum(const Graph& graph, NodeId id);
std::optional<WithNumber> match_scale(const Graph& graph, NodeId id);

// Whether node `id`, which may be kNoNode, is a · b or b · a.
bool is_product(const Graph& graph, NodeId id, ValueId a, ValueId b);

// Within a millionth.
bool is_near(float a, float b);

// Makes node `id` an operator of ai.onnx with the one input x; it exists since that opset.
Status become_unary(Graph& graph, NodeId id, std::string_view type, int since, ValueId x);

}  // namespace sardonyx
