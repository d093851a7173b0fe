// Identity.
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

Status run_copy(const Attributes&, const RunContext& context) {
  copy_tensor(context.outputs[0], context.inputs[0]);
  return {};
}

}  // namespace

Status infer_identity(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  return same_as_input(context);
}

Result<KernelPtr> make_identity(const KernelInit& init) {
  return stateless(init, run_copy);
}

}  // namespace sardonyx::ops
