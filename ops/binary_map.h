// Operators that combine two operands element by element, with NumPy broadcasting.
//
// An operator is a BinarySpec: functions over dense rows for the types that it is computed in.
// Other dtypes pass through one of these in blocks.
#pragma once

#include <cstdint>
#include <string_view>

#include "ops/broadcast.h"
#include "ops/operator.h"
#include "simd/elementwise.h"

namespace sardonyx::ops {

enum BinaryFlags : uint32_t {
  kFloats = 1u << 0,       // dtypes of the operands
  kIntegers = 1u << 1,     //
  kBools = 1u << 2,        //
  kToBool = 1u << 3,       // results are 0 or 1 and stored as bool
  kDivides = 1u << 4,      // an integer second operand must not be 0
  kMixedDTypes = 1u << 5,  // the second operand may have another dtype; the result has the first's
};

// out[i] = a[i] op b[i]; out may be an operand without a period.
using FloatRow = void (*)(simd::BinaryOperand a, simd::BinaryOperand b, float* out, int64_t n);

// y[i] = a[i] op b[i], of the type that the function is for; y is uint8_t for kToBool. y may be a
// or b if it has their type.
using DenseRow = void (*)(const void* a, const void* b, void* y, int64_t n);

template <typename T, typename Y, auto kFn>
void dense_row(const void* a, const void* b, void* y, int64_t n) {
  const T* x0 = static_cast<const T*>(a);
  const T* x1 = static_cast<const T*>(b);
  Y* out = static_cast<Y*>(y);
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<Y>(kFn(x0[i], x1[i]));
}

struct BinarySpec {
  std::string_view name;
  uint32_t flags = 0;
  FloatRow float_row = nullptr;  // float32, where there is a vectorised kernel
  DenseRow f32 = nullptr;        // null: through f64, which rounds alike for + - * /
  DenseRow f64 = nullptr;
  DenseRow i64 = nullptr;
  DenseRow u64 = nullptr;
  DenseRow bytes = nullptr;  // bool
};

// DTYPE_UNSUPPORTED.
Status check_binary_dtypes(const BinarySpec& spec, DType a, DType b);

// y = spec(a, b) by a plan of operands a, b. VALUE_RANGE on a division of integers by 0.
Status apply_binary(const BinarySpec& spec, const BroadcastPlan& plan, const TensorView& a,
                    const TensorView& b, const TensorView& y);

}  // namespace sardonyx::ops
