// Dims that may be unknown.
#pragma once

#include "base/shape.h"

namespace sardonyx::ops {

// Both are known, and not the same.
inline bool differ(int64_t a, int64_t b) {
  return a != kUnknownDim && b != kUnknownDim && a != b;
}

}  // namespace sardonyx::ops
