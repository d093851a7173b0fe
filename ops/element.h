// Single elements of any numeric dtype as numbers, for loops whose speed does not matter.
#pragma once

#include <cstdint>

#include "base/tensor.h"

namespace sardonyx::ops {

inline uint8_t* element_address(const TensorView& tensor, int64_t i) {
  return tensor.as<uint8_t>() + i * (dtype_bits(tensor.dtype) / 8);
}

double load_double(const TensorView& tensor, int64_t i);
void store_double(const TensorView& tensor, int64_t i, double value);
int64_t load_int64(const TensorView& tensor, int64_t i);

}  // namespace sardonyx::ops
