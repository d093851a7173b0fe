// Operators that map each element to one of the same dtype.
//
// An operator is a UnarySpec: scalar functions for the types that it is computed in, and a
// vectorised one for float32 where that matters. All other dtypes pass through one of these in
// blocks.
#pragma once

#include <cstdint>
#include <string_view>

#include "ops/operator.h"
#include "simd/elementwise.h"

namespace sardonyx::ops {

struct UnaryParams {
  double a = 0, b = 0;
  int64_t low = INT64_MIN, high = INT64_MAX;  // Clip of integers; bits of uint64 for uint64
};

struct UnarySpec {
  std::string_view name;
  // Null: through f64.
  void (*f32)(const float* x, float* y, int64_t n, const UnaryParams& p) = nullptr;
  double (*f64)(double x, const UnaryParams& p) = nullptr;
  int64_t (*i64)(int64_t x, const UnaryParams& p) = nullptr;    // null: no integers
  uint64_t (*u64)(uint64_t x, const UnaryParams& p) = nullptr;  // null: no uint64
  const char* a = nullptr;  // attributes behind p.a and p.b, and their defaults
  float a_default = 0;
  const char* b = nullptr;
  float b_default = 0;
};

template <simd::UnaryKind kKind>
void simd_map(const float* x, float* y, int64_t n, const UnaryParams& p) {
  simd::unary(kKind, static_cast<float>(p.a), static_cast<float>(p.b), x, y, n);
}

// DTYPE_UNSUPPORTED.
Status check_unary_dtype(const UnarySpec& spec, DType dtype);
// y = spec(x); one dtype, layout and shape; x and y may be the same memory.
Status apply_unary(const UnarySpec& spec, const UnaryParams& p, const TensorView& x,
                   const TensorView& y);

}  // namespace sardonyx::ops
