// ConvInteger: the int32 convolution of two 8-bit tensors less their zero points. sardonyx
// FusedConvInteger: the same times scales, with a bias, in float32.
#include "ops/integer_conv.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

constexpr IntegerInputs kInputs{.x = 0, .x_zero = 2, .w = 1, .w_zero = 3};

}  // namespace

Status infer_conv_integer(InferContext& context) {
  SX_TRY(check_arity(context, 2, 4));
  return infer_integer_conv(context, kInputs, {});
}
Result<KernelPtr> make_conv_integer(const KernelInit& init) {
  return make_integer_conv(init, kInputs, {});
}

Status infer_fused_conv_integer(InferContext& context) {
  SX_TRY(check_fused_product(context, kScaledInputs));
  return infer_integer_conv(context, kScaledInputs, {});
}
Result<KernelPtr> make_fused_conv_integer(const KernelInit& init) {
  return make_integer_conv(init, kScaledInputs, {});
}

}  // namespace sardonyx::ops
