// LRN: y = x / (bias + alpha / size * sum of squares over neighbouring channels) ^ beta.
#include <algorithm>
#include <cmath>

#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/elementwise.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr double kNsPerElement = 15.0;
constexpr int64_t kMaxSize = int64_t{1} << 24;

struct Parameters {
  float alpha, beta, bias;
  int64_t size;
};

Parameters parameters_of(const Attributes& attributes) {
  return {attributes.get_float("alpha", 1e-4f), attributes.get_float("beta", 0.75f),
          attributes.get_float("bias", 1.0f), attributes.get_int("size", 0)};
}

// Elements [begin, begin + count) of a channel's plane, which lies at `channel` of `channels`.
void normalize(const Parameters& p, const float* image, int64_t channels, int64_t plane,
               int64_t channel, int64_t begin, int64_t count, float* y) {
  const int64_t first = std::max<int64_t>(channel - (p.size - 1) / 2, 0);
  const int64_t last = std::min(channel + p.size / 2, channels - 1);
  std::fill_n(y, count, 0.0f);
  for (int64_t c = first; c <= last; ++c) {
    const float* x = image + c * plane + begin;
    for (int64_t i = 0; i < count; ++i) y[i] += x[i] * x[i];
  }
  simd::scale_offset(y, p.alpha / static_cast<float>(p.size), p.bias, y, count);
  simd::binary(simd::BinaryKind::kPow, {y}, {&p.beta, true}, y, count);
  simd::binary(simd::BinaryKind::kDiv, {image + channel * plane + begin}, {y}, y, count);
}

Status run_local_response_norm(const Attributes& attributes, const RunContext& context) {
  const TensorView &x = context.inputs[0], &y = context.outputs[0];
  if (y.elements() == 0) return {};
  const Parameters p = parameters_of(attributes);
  const int64_t channels = x.shape[1], plane = x.shape.product(2, x.shape.rank());
  return simd::parallel_for(
      y.elements(), simd::grain_for(kNsPerElement), [&](int64_t begin, int64_t end) {
        while (begin < end) {
          const int64_t row = begin / plane;
          const int64_t count = std::min(end, (row + 1) * plane) - begin;
          normalize(p, x.as<const float>() + row / channels * channels * plane, channels, plane,
                    row % channels, begin % plane, count, y.as<float>() + begin);
          begin += count;
        }
      });
}

Result<KernelPtr> make_floats(const KernelInit& init) {
  return stateless(init, run_local_response_norm);
}

}  // namespace

Status infer_local_response_norm(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_float(context, 0));
  SX_ASSIGN(const int64_t size, context.attributes.require_int("size"));
  if (size < 1 || size > kMaxSize) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "size %lld", static_cast<long long>(size));
  }
  if (context.inputs[0].has_shape && context.inputs[0].shape.rank() < 2) {
    return error(ErrorCode::SHAPE_MISMATCH, "an input of shape %s",
                 context.inputs[0].shape.to_string().c_str());
  }
  return same_as_input(context);
}

Result<KernelPtr> make_local_response_norm(const KernelInit& init) {
  return widened(init, make_floats);
}

}  // namespace sardonyx::ops
