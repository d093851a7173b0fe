// Index tensors: int64 or int32 elements that may count from the end.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "base/tensor.h"
#include "ops/operator.h"

namespace sardonyx::ops {

// DTYPE_UNSUPPORTED unless the input is absent, int64 or int32.
Status check_index_dtype(const InferContext& context, size_t input);

// Element i of an int64 or int32 tensor, as it stands there.
inline int64_t index_at(const TensorView& indices, int64_t i) {
  return indices.dtype == DType::kInt32 ? indices.as<const int32_t>()[i]
                                        : indices.as<const int64_t>()[i];
}

// Element i as an index in [0, dim), after check_indices.
inline int64_t index_in(const TensorView& indices, int64_t i, int64_t dim) {
  const int64_t index = index_at(indices, i);
  return index < 0 ? index + dim : index;
}

// INDEX_RANGE unless every element is in [-dim, dim).
Status check_indices(const TensorView& indices, int64_t dim);

// Axis in [0, rank) out of a tensor of one integer; VALUE_RANGE.
Result<int> axis_at(const TensorView& scalar, int rank);

// Whether a rule may read the contents of an input, and the input as a kernel sees it: an empty
// tensor has nothing to wait for.
bool contents_known(const ValueFacts& facts);
TensorView known_contents(const ValueFacts& facts);

}  // namespace sardonyx::ops
