// The equation of an Einsum, and the loops that it stands for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/shape.h"
#include "base/status.h"

namespace sardonyx::ops {

inline constexpr int kMaxEinsumOperands = 8;
inline constexpr int kMaxEinsumLoops = 16;

// One loop per label; those of the output come first, in its order, then those that are summed.
struct EinsumLoops {
  int operands = 0;
  int outer = 0;  // loops of the output
  int count = 0;
  std::array<int64_t, kMaxEinsumLoops> dims{};  // kUnknownDim where not known
  // Elements that operand i advances by in loop j: 0 where it does not have the label.
  std::array<std::array<int64_t, kMaxEinsumLoops>, kMaxEinsumOperands> strides{};

  Shape output() const { return Shape(std::span(dims).first(static_cast<size_t>(outer))); }
};

// Letters, "..." for the axes that are not named, "->" before the output; spaces are skipped.
// Without "->" the output has the labels that occur once, in alphabetical order. ATTRIBUTE_INVALID
// for what is no equation, SHAPE_MISMATCH when it does not fit the shapes, LIMIT_EXCEEDED.
Result<EinsumLoops> einsum_loops(std::string_view equation, std::span<const Shape* const> shapes);

}  // namespace sardonyx::ops
