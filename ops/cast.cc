// Cast and CastLike between all numeric dtypes, bool and strings.
#include <string_view>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/string_cast.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements per chunk, whole bytes of every dtype

Result<SmallFloatRules> read_rules(const Attributes& attributes) {
  using Scale = SmallFloatRules::Scale;
  SmallFloatRules rules;
  rules.saturate = attributes.get_int("saturate", 1) != 0;
  const std::string_view mode = attributes.get_string("round_mode", "up");
  if (mode == "down") {
    rules.scale = Scale::kDown;
  } else if (mode == "nearest") {
    rules.scale = Scale::kNearest;
  } else if (mode != "up") {
    return error(ErrorCode::ATTRIBUTE_INVALID, "round_mode '%.*s' is not known",
                 static_cast<int>(mode.size()), mode.data());
  }
  return rules;
}

Status run_cast(const Attributes& attributes, const RunContext& context) {
  SX_ASSIGN(const SmallFloatRules rules, read_rules(attributes));
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  if (y.dtype == x.dtype) {
    copy_tensor(y, x);
    return {};
  }
  if (y.dtype == DType::kString) return numbers_to_strings(x, y, *context.heap);
  if (x.dtype == DType::kString) return strings_to_numbers(x, y);
  const int64_t count = storage_elements(y.shape, y.layout).value_or(0);
  return simd::parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
    convert(y.dtype, y.as<uint8_t>() + begin * dtype_bits(y.dtype) / 8, x.dtype,
            x.as<const uint8_t>() + begin * dtype_bits(x.dtype) / 8, 1, end - begin, rules);
  });
}

Status set_cast_output(InferContext& context, DType to) {
  SX_TRY(read_rules(context.attributes).take_status());
  const ValueFacts& input = context.inputs[0];
  const bool strings = input.dtype == DType::kString || to == DType::kString;
  for (DType dtype : {input.dtype, to}) {
    if (dtype == DType::kString || (strings && compute_dtype(dtype) != DType::kUndefined)) continue;
    if (strings || carrier_dtype(dtype) == DType::kUndefined) return unsupported_dtype(dtype);
  }
  context.outputs[0] = {to, input.has_shape, input.shape, nullptr};
  return {};
}

}  // namespace

Status infer_cast(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(context.attributes.require_int("to").take_status());
  SX_ASSIGN(const DType to, dtype_attribute(context.attributes, "to", DType::kUndefined));
  if (to == DType::kUndefined) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'to' is 0: not a dtype");
  }
  return set_cast_output(context, to);
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
