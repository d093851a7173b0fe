// Floats of 8 and 4 bits as bytes, the sign in the highest of their bits.
#pragma once

#include <cstdint>

#include "ops/convert.h"

namespace sardonyx::ops {

// The four float8 formats with a sign, float8e8m0 and float4e2m1.
bool is_small_float(DType dtype);
// `dtype` must be one of them. float4e2m1 has no NaN: it becomes minus zero.
uint8_t to_small_float(DType dtype, float value, const SmallFloatRules& rules);
float from_small_float(DType dtype, uint8_t code);

}  // namespace sardonyx::ops
