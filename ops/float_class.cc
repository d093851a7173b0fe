// IsNaN and IsInf.
#include <algorithm>
#include <cmath>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kBlock = 128;
constexpr int64_t kGrain = 1 << 14;  // elements per chunk

template <typename Test>
Status classify(const RunContext& context, Test&& test) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  const int64_t width = dtype_bits(x.dtype) / 8;
  const int64_t count = storage_elements(y.shape, y.layout).value_or(0);
  return simd::parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
    double block[kBlock];
    for (int64_t i = begin; i < end; i += kBlock) {
      const int64_t n = std::min(kBlock, end - i);
      convert(DType::kFloat64, block, x.dtype, x.as<const uint8_t>() + i * width, 1, n);
      for (int64_t j = 0; j < n; ++j) y.as<uint8_t>()[i + j] = test(block[j]);
    }
  });
}

Status run_is_nan(const Attributes&, const RunContext& context) {
  return classify(context, [](double x) { return x != x; });
}

Status run_is_inf(const Attributes& attributes, const RunContext& context) {
  const bool positive = attributes.get_int("detect_positive", 1) != 0;
  const bool negative = attributes.get_int("detect_negative", 1) != 0;
  return classify(context,
                  [=](double x) { return std::isinf(x) && (x > 0 ? positive : negative); });
}

Status infer_class(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_dtype(context, 0,
                     {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16}));
  const ValueFacts& x = context.inputs[0];
  context.outputs[0] = {DType::kBool, x.has_shape, x.shape, nullptr};
  return {};
}

}  // namespace

Status infer_is_nan(InferContext& context) {
  return infer_class(context);
}
Status infer_is_inf(InferContext& context) {
  return infer_class(context);
}
Result<KernelPtr> make_is_nan(const KernelInit& init) {
  return stateless(init, run_is_nan);
}
Result<KernelPtr> make_is_inf(const KernelInit& init) {
  return stateless(init, run_is_inf);
}

}  // namespace sardonyx::ops
