// Rotary position embedding of one head: pairs of elements are turned by angles that depend on the
// position.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "base/tensor.h"

namespace sardonyx::ops {

struct Rotary {
  const float *cos = nullptr, *sin = nullptr;  // [positions, half]
  int64_t positions = 0;
  int64_t half = 0;          // pairs that are turned
  bool interleaved = false;  // pairs are neighbours; else element i and element half + i

  // y = x turned; elements beyond the pairs stay. `position` is in [0, positions). y may be x.
  void turn(int64_t position, const float* x, float* y, int64_t size) const;
};

// INDEX_RANGE unless the position is in the tables.
Status check_position(const Rotary& rotary, int64_t position);

}  // namespace sardonyx::ops
