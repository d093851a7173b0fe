// MatMulInteger: the int32 product of two 8-bit matrices less their zero points. sardonyx
// FusedMatMulInteger: the same times scales, with a bias, in float32.
#include "ops/integer_matmul.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

constexpr IntegerInputs kInputs{.x = 0, .x_zero = 2, .w = 1, .w_zero = 3};

}  // namespace

Status infer_matmul_integer(InferContext& context) {
  SX_TRY(check_arity(context, 2, 4));
  return infer_integer_matmul(context, kInputs, {});
}
Result<KernelPtr> make_matmul_integer(const KernelInit& init) {
  return make_integer_matmul(init, kInputs, {});
}

Status infer_fused_matmul_integer(InferContext& context) {
  SX_TRY(check_fused_product(context, kScaledInputs));
  return infer_integer_matmul(context, kScaledInputs, {});
}
Result<KernelPtr> make_fused_matmul_integer(const KernelInit& init) {
  return make_integer_matmul(init, kScaledInputs, {});
}

}  // namespace sardonyx::ops
