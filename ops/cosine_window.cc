// HannWindow, HammingWindow and BlackmanWindow.
#include <array>
#include <cmath>
#include <numbers>

#include "base/angle.h"
#include "ops/convert.h"
#include "ops/element.h"
#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

// w(i) = a[0] - a[1] cos(2 pi i / n) + a[2] cos(4 pi i / n)
using Coefficients = std::array<double, 3>;
constexpr Coefficients kHann = {0.5, 0.5, 0};
constexpr Coefficients kHamming = {25.0 / 46, 21.0 / 46, 0};
constexpr Coefficients kBlackman = {0.42, 0.5, 0.08};

template <const Coefficients& a>
Status run_window(const Attributes& attributes, const RunContext& context) {
  const TensorView& y = context.outputs[0];
  const int64_t count = y.elements();
  const bool periodic = attributes.get_int("periodic", 1) != 0;
  const auto length = static_cast<double>(periodic || count < 2 ? count : count - 1);
  for (int64_t i = 0; i < count; ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / length;
    store_double(y, i, a[0] - a[1] * cosine(angle) + a[2] * cosine(2 * angle));
  }
  return {};
}

Status infer_window(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_index_dtype(context, 0));
  SX_ASSIGN(const DType dtype,
            dtype_attribute(context.attributes, "output_datatype", DType::kFloat32));
  if (compute_dtype(dtype) == DType::kUndefined) return unsupported_dtype(dtype);
  int64_t count = kUnknownDim;
  if (context.inputs[0].value) {
    SX_ASSIGN(count, int_scalar(*context.inputs[0].value));
    if (count < 0) {
      return error(ErrorCode::VALUE_RANGE, "the size is %lld", static_cast<long long>(count));
    }
  }
  context.set_output(0, dtype, {count});
  return {};
}

}  // namespace

Status infer_hann_window(InferContext& context) {
  return infer_window(context);
}
Status infer_hamming_window(InferContext& context) {
  return infer_window(context);
}
Status infer_blackman_window(InferContext& context) {
  return infer_window(context);
}
Result<KernelPtr> make_hann_window(const KernelInit& init) {
  return stateless(init, run_window<kHann>);
}
Result<KernelPtr> make_hamming_window(const KernelInit& init) {
  return stateless(init, run_window<kHamming>);
}
Result<KernelPtr> make_blackman_window(const KernelInit& init) {
  return stateless(init, run_window<kBlackman>);
}

}  // namespace sardonyx::ops
