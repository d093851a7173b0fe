// QLinearMatMul, and sardonyx FusedQLinearMatMul: what MatMul and Gemm between DequantizeLinear and
// QuantizeLinear become. The latter has a float32 bias per column as input 8 and the activation of
// ops/activation.h; zero points may be left out.
#include "ops/integer_matmul.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {

Status infer_qlinear_matmul(InferContext& context) {
  SX_TRY(check_arity(context, 8, 8));
  return infer_integer_matmul(context, kQLinearInputs, {});
}
Result<KernelPtr> make_qlinear_matmul(const KernelInit& init) {
  return make_integer_matmul(init, kQLinearInputs, {});
}

Status infer_fused_qlinear_matmul(InferContext& context) {
  SX_TRY(check_fused_product(context, kQLinearInputs));
  SX_ASSIGN(const simd::Activation activation, monotone_activation(context.attributes));
  return infer_integer_matmul(context, kQLinearInputs, {true, activation});
}
Result<KernelPtr> make_fused_qlinear_matmul(const KernelInit& init) {
  SX_ASSIGN(const simd::Activation activation, monotone_activation(init.attributes));
  return make_integer_matmul(init, kQLinearInputs, {true, activation});
}

}  // namespace sardonyx::ops
