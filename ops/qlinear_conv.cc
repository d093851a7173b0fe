// QLinearConv, and sardonyx FusedQLinearConv: what Conv between DequantizeLinear and QuantizeLinear
// becomes. The inputs are the same, except that the latter's bias is float32 and zero points may be
// left out; it may have the activation of ops/activation.h.
#include "ops/integer_conv.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {

Status infer_qlinear_conv(InferContext& context) {
  SX_TRY(check_arity(context, 8, 9));
  return infer_integer_conv(context, kQLinearInputs, {});
}
Result<KernelPtr> make_qlinear_conv(const KernelInit& init) {
  return make_integer_conv(init, kQLinearInputs, {});
}

Status infer_fused_qlinear_conv(InferContext& context) {
  SX_TRY(check_fused_product(context, kQLinearInputs));
  SX_ASSIGN(const simd::Activation activation, monotone_activation(context.attributes));
  return infer_integer_conv(context, kQLinearInputs, {true, activation});
}
Result<KernelPtr> make_fused_qlinear_conv(const KernelInit& init) {
  SX_ASSIGN(const simd::Activation activation, monotone_activation(init.attributes));
  return make_integer_conv(init, kQLinearInputs, {true, activation});
}

}  // namespace sardonyx::ops
