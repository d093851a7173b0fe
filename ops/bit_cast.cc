// BitCast: the same bits under another dtype.
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

Status run_bit_cast(const Attributes&, const RunContext& context) {
  copy_tensor(context.outputs[0], context.inputs[0]);
  return {};
}

}  // namespace

Status infer_bit_cast(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  const ValueFacts& x = context.inputs[0];
  SX_TRY(context.attributes.require_int("to").take_status());
  SX_ASSIGN(const DType dtype, dtype_attribute(context.attributes, "to", x.dtype));
  for (DType either : {x.dtype, dtype}) {
    if (either == DType::kString || dtype_bits(either) == 0) return unsupported_dtype(either);
  }
  if (dtype_bits(dtype) != dtype_bits(x.dtype)) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "%d bits can not be taken for %d bits",
                 dtype_bits(x.dtype), dtype_bits(dtype));
  }
  context.outputs[0] = {dtype, x.has_shape, x.shape, nullptr};
  return {};
}

Result<KernelPtr> make_bit_cast(const KernelInit& init) {
  return stateless(init, run_bit_cast);
}

}  // namespace sardonyx::ops
