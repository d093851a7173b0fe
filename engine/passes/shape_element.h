// Shapes that a graph computes.
#pragma once

#include <optional>

#include "engine/graph.h"

namespace sardonyx {

// A number, or a dim of a value.
struct ShapeElement {
  int64_t number = kUnknownDim;
  ValueId value = kNoValue;
  int64_t axis = 0;

  // Whether it is that dim of `value`, by name or by number.
  bool is_dim(const Graph& graph, ValueId value, int axis) const;
};

// Element `i` of a list of integers that Shape, Gather, Concat and the like make; nullopt when it
// can not be told. Of a Where with 1 on one side, as exporters write before Expand, the other side.
std::optional<ShapeElement> shape_element(const Graph& graph, ValueId list, int64_t i);

}  // namespace sardonyx
