// Elements of any numeric dtype as unsigned numbers of the same order: what ArgMax, TopK and Unique
// compare.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace sardonyx::ops {

// keys[i] orders as src[i] does. Equal elements (0 and -0 are) have equal keys; NaN, of whatever
// bits, is above everything else. The dtype must have a compute_dtype().
void sort_keys(DType dtype, const void* src, int64_t n, uint64_t* keys);

struct KeyedIndex {
  uint64_t key;
  int64_t index;
};

// By key, then by index.
void sort_keyed(KeyedIndex* items, int64_t n);
// The first `count` of that order, sorted, come first; the rest is in any order.
void select_keyed(KeyedIndex* items, int64_t n, int64_t count);

}  // namespace sardonyx::ops
