// Rotary position embedding: pairs of elements of each head are turned by angles that depend on the
// position of the token.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "ops/scaled_dot_attention.h"

namespace sardonyx::ops {

struct Rotary {
  const float *cos = nullptr, *sin = nullptr;  // [positions, half]
  int64_t positions = 0;
  int64_t half = 0;          // pairs that are turned; elements behind them stay
  bool interleaved = false;  // pairs are neighbours; else element i and element half + i

  // y = x turned, for all heads of all tokens. where[batch * length + row] is a token's row in the
  // tables; INDEX_RANGE when there is none. y may be x. Threaded.
  struct Tokens {
    int64_t batch = 0, heads = 0, length = 0, size = 0;
    const int64_t* where = nullptr;
  };
  Status turn(const Tokens& tokens, const HeadRows& x, float* y, const HeadSteps& y_steps) const;
};

}  // namespace sardonyx::ops
