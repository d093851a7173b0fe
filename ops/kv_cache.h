// Keys and values of earlier runs, and those of this one behind them.
#pragma once

#include "ops/operator.h"
#include "ops/scaled_dot_attention.h"

namespace sardonyx::ops {

// Input or output i of a node; absent beyond the last one.
inline TensorView view_of(std::span<const TensorView> tensors, size_t i) {
  return i < tensors.size() ? tensors[i] : TensorView();
}

// Where the keys or values of a call are: as they came, or together with those of the past in a
// buffer of their own, the `present` output where it is wanted and else scratch memory.
class KvCache {
 public:
  // `past` and `present` may be absent. `capacity` is the length of the buffer.
  static Result<KvCache> place(const TensorView& past, const TensorView& present,
                               const AttentionShape& shape, int64_t size, int64_t capacity,
                               ScratchLayout& scratch);

  // Of batch entry b, rows [0, past_rows[b]) come from `past`, then the `added` fresh ones; what is
  // left of the buffer becomes zero. The rows fit (past_rows[b] + added <= capacity).
  Result<HeadRows> gather(const TensorView& past, const HeadRows& fresh, int64_t added,
                          const int64_t* past_rows, const TensorView& present,
                          uint8_t* scratch) const;

 private:
  bool in_place_ = true;
  size_t offset_ = 0;
  int64_t batch_ = 0, heads_ = 0, size_ = 0, capacity_ = 0;
};

}  // namespace sardonyx::ops
