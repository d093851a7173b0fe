// Numbers as strings, and back.
#pragma once

#include "base/status.h"
#include "base/tensor.h"
#include "base/value_heap.h"

namespace sardonyx::ops {

// Floats with as few digits as tell them apart, "NaN", "INF" and "-INF". Tensors of one shape; the
// dtype of the numbers must have a compute_dtype().
Status numbers_to_strings(const TensorView& numbers, const TensorView& strings, ValueHeap& heap);
// Decimal numbers with or without exponent, and the names above in any case. VALUE_RANGE for
// others.
Status strings_to_numbers(const TensorView& strings, const TensorView& numbers);

}  // namespace sardonyx::ops
