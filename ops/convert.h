// Elements of one dtype as another, and the four types that arithmetic is done in.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace sardonyx::ops {

// The type that elements of `dtype` are computed in: float32 for float32, float16 and bfloat16;
// float64; uint64; int64 for all other integers and bool. kUndefined for what is not numeric.
DType compute_dtype(DType dtype);

// dst[i] = src[i * step] for i in [0, n), step 0 or 1, as ONNX Cast does: to integers towards zero
// and wrapped to the width (beyond 64 bits saturated, NaN as 0), to bool "is not 0", to 16-bit
// floats to nearest even. Both dtypes must have a compute_dtype(); dst and src may be equal when
// the widths are.
void convert(DType to, void* dst, DType from, const void* src, int64_t step, int64_t n);

}  // namespace sardonyx::ops
