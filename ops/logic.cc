// Not.
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

Status run_not(const Attributes&, const RunContext& context) {
  const auto count = static_cast<int64_t>(context.outputs[0].bytes());
  const auto* x = context.inputs[0].as<const uint8_t>();
  auto* y = context.outputs[0].as<uint8_t>();
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] == 0;
  return {};
}

}  // namespace

Status infer_logical_not(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_dtype(context, 0, {DType::kBool}));
  return same_as_input(context);
}

Result<KernelPtr> make_logical_not(const KernelInit& init) {
  return stateless(init, run_not);
}

}  // namespace sardonyx::ops
