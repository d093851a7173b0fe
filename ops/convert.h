// Elements of one dtype as another, and the four types that arithmetic is done in.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "base/tensor.h"

namespace sardonyx::ops {

// The type that elements of `dtype` are computed in: float32 for float32, float16 and bfloat16;
// float64; uint64; int64 for all other integers and bool. kUndefined for what is not numeric.
DType compute_dtype(DType dtype);

// The type that conversions of `dtype` pass through: compute_dtype(), float32 for the floats of 8
// and 4 bits, int64 for the integers of 4 and 2 bits. kUndefined for what can not be converted.
DType carrier_dtype(DType dtype);

// What is left open when the target is a float of 8 or 4 bits.
struct SmallFloatRules {
  enum class Scale : uint8_t { kUp, kDown, kNearest };
  bool saturate = true;      // beyond the range: the largest value, else infinity or NaN
  Scale scale = Scale::kUp;  // how float8e8m0, a power of two, is rounded
};

// dst[i] = src[i * step] for i in [0, n), step 0 or 1, as ONNX Cast does: to integers towards zero
// and wrapped to the width (beyond 64 bits saturated, NaN as 0), to bool "is not 0", to small
// floats to nearest even. Both dtypes must have a carrier_dtype(); dst and src may be equal when
// the widths are. Elements of less than 8 bits are packed from the lowest bits of a byte on.
void convert(DType to, void* dst, DType from, const void* src, int64_t step, int64_t n,
             const SmallFloatRules& rules = {});

// The constant as float32; its dtype has a carrier_dtype().
Result<ConstantPtr> floats_of(const Constant& constant);

}  // namespace sardonyx::ops
