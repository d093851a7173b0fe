// Cast and CastLike between all numeric dtypes and bool.
#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements per chunk

Status run_cast(const Attributes&, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  const int64_t count = storage_elements(y.shape, y.layout).value_or(0);
  return simd::parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
    convert(y.dtype, y.as<uint8_t>() + begin * (dtype_bits(y.dtype) / 8), x.dtype,
            x.as<const uint8_t>() + begin * (dtype_bits(x.dtype) / 8), 1, end - begin);
  });
}

Status set_cast_output(InferContext& context, DType to) {
  const ValueFacts& input = context.inputs[0];
  for (DType dtype : {input.dtype, to}) {
    if (compute_dtype(dtype) == DType::kUndefined) return unsupported_dtype(dtype);
  }
  context.outputs[0] = {to, input.has_shape, input.shape, nullptr};
  return {};
}

}  // namespace

Status infer_cast(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_ASSIGN(const int64_t to, context.attributes.require_int("to"));
  if (to < 0 || to > INT32_MAX || !is_known_dtype(static_cast<int32_t>(to))) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'to' is %lld: not a dtype",
                 static_cast<long long>(to));
  }
  return set_cast_output(context, static_cast<DType>(to));
}

Status infer_cast_like(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  return set_cast_output(context, context.inputs[1].dtype);
}

Result<KernelPtr> make_cast(const KernelInit& init) {
  return stateless(init, run_cast);
}
Result<KernelPtr> make_cast_like(const KernelInit& init) {
  return stateless(init, run_cast);
}

}  // namespace sardonyx::ops
