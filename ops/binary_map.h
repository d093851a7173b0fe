// Operators that combine two operands element by element, with NumPy broadcasting.
//
// An operator is a BinarySpec: scalar functions for the types that it is computed in, and row
// functions for float32 where speed matters. All other dtypes pass through one of these in blocks.
#pragma once

#include <cstdint>
#include <string_view>

#include "ops/broadcast.h"
#include "ops/operator.h"

namespace sardonyx::ops {

enum BinaryFlags : uint32_t {
  kFloats = 1u << 0,       // dtypes of the operands
  kIntegers = 1u << 1,     //
  kBools = 1u << 2,        //
  kToBool = 1u << 3,       // results are 0 or 1 and stored as bool
  kDivides = 1u << 4,      // an integer second operand must not be 0
  kMixedDTypes = 1u << 5,  // the second operand may have another dtype; the result has the first's
};

// out[i] = a[i * a_step] op b[i * b_step], steps 0 or 1; out may be a or b of step 1.
using FloatRow = void (*)(const float* a, int64_t a_step, const float* b, int64_t b_step,
                          float* out, int64_t n);

struct BinarySpec {
  std::string_view name;
  uint32_t flags = 0;
  FloatRow f32 = nullptr;  // null: through f64, which rounds alike for + - * / and comparisons
  double (*f64)(double a, double b) = nullptr;
  int64_t (*i64)(int64_t a, int64_t b) = nullptr;
  uint64_t (*u64)(uint64_t a, uint64_t b) = nullptr;
};

// DTYPE_UNSUPPORTED.
Status check_binary_dtypes(const BinarySpec& spec, DType a, DType b);

// y = spec(a, b) by a plan of operands a, b. VALUE_RANGE on a division of integers by 0.
Status apply_binary(const BinarySpec& spec, const BroadcastPlan& plan, const TensorView& a,
                    const TensorView& b, const TensorView& y);

}  // namespace sardonyx::ops
