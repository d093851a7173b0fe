// CausalConvWithState: each channel convolved with its own filter over the current and earlier
// elements, of which the last ones are given back for the next run.
#include <algorithm>
#include <cstring>

#include "ops/dims.h"
#include "ops/operator.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/elementwise.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

enum Input : size_t { kX, kWeights, kBias, kPast };

class CausalConvKernel final : public Kernel {
 public:
  explicit CausalConvKernel(bool silu) : silu_(silu) {}

  // Rows are laid behind their past in scratch memory.
  Status bind(BindContext& context) const override {
    const Shape& x = context.inputs[kX].shape;
    const int64_t taps = context.inputs[kWeights].shape[2];
    ScratchLayout scratch;
    auto count = checked_add(x[2], taps - 1);
    if (count) count = checked_mul(*count, x[0]);
    if (count) count = checked_mul(*count, x[1]);
    SX_TRY(scratch.add_floats(count).take_status());
    context.scratch_bytes = scratch.bytes();
    return {};
  }

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[kX];
    const int64_t channels = x.shape[1], length = x.shape[2];
    const int64_t taps = context.inputs[kWeights].shape[2];
    const double ns_per_row = static_cast<double>(length) * static_cast<double>(taps);
    return simd::parallel_for(x.shape[0] * channels, simd::grain_for(ns_per_row),
                              [&](int64_t begin, int64_t end) {
                                for (int64_t row = begin; row < end; ++row) {
                                  convolve(context, row, row % channels, length, taps);
                                }
                              });
  }
  std::string_view name() const override { return "causal_conv"; }

 private:
  void convolve(const RunContext& context, int64_t row, int64_t channel, int64_t length,
                int64_t taps) const {
    const int64_t old = taps - 1;
    float* all = reinterpret_cast<float*>(context.scratch) + row * (old + length);
    if (context.has_input(kPast)) {
      std::copy_n(context.inputs[kPast].as<const float>() + row * old, old, all);
    } else {
      std::fill_n(all, old, 0.0f);
    }
    std::copy_n(context.inputs[kX].as<const float>() + row * length, length, all + old);
    const float* weights = context.inputs[kWeights].as<const float>() + channel * taps;
    const float bias =
        context.has_input(kBias) ? context.inputs[kBias].as<const float>()[channel] : 0.0f;
    float* y = context.outputs[0].as<float>() + row * length;
    std::fill_n(y, length, bias);
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t i = 0; i < length; ++i) y[i] += weights[tap] * all[i + tap];
    }
    if (silu_) simd::unary(simd::UnaryKind::kSilu, 0, 0, y, y, length);
    if (context.has_output(1)) {
      std::copy_n(all + length, old, context.outputs[1].as<float>() + row * old);
    }
  }

  bool silu_;
};

Status check_shapes(const InferContext& context) {
  const auto rank_is = [&](size_t i, int rank) {
    return !context.has_input(i) || !context.inputs[i].has_shape ||
           context.inputs[i].shape.rank() == rank;
  };
  bool fits = rank_is(kX, 3) && rank_is(kWeights, 3) && rank_is(kBias, 1) && rank_is(kPast, 3);
  const auto dim = [&](size_t i, int axis) {
    return context.has_input(i) && context.inputs[i].has_shape ? context.inputs[i].shape[axis]
                                                               : kUnknownDim;
  };
  if (fits) {
    const int64_t channels = dim(kX, 1), taps = dim(kWeights, 2);
    fits = !differ(channels, dim(kWeights, 0)) && !differ(dim(kWeights, 1), 1) &&
           !differ(channels, dim(kBias, 0)) && !differ(dim(kPast, 0), dim(kX, 0)) &&
           !differ(channels, dim(kPast, 1)) && taps != 0 &&
           (taps < 0 || !differ(dim(kPast, 2), taps - 1));
  }
  return fits ? Status()
              : error(ErrorCode::SHAPE_MISMATCH,
                      "the input is [N, C, L], the weights [C, 1, K], the state [N, C, K - 1]");
}

}  // namespace

Status infer_causal_conv(InferContext& context) {
  SX_TRY(check_arity(context, 2, 4, 2));
  SX_TRY(check_dtype(context, kX, {DType::kFloat32, DType::kFloat16, DType::kBfloat16}));
  for (size_t i : {kWeights, kBias, kPast}) SX_TRY(check_same_dtype(context, kX, i));
  const std::string_view activation = context.attributes.get_string("activation", "none");
  if (activation != "none" && activation != "silu" && activation != "swish") {
    return error(ErrorCode::ATTRIBUTE_INVALID, "activation is '%s'",
                 std::string(activation).c_str());
  }
  for (const char* name : {"ndim", "state_window"}) {
    const int64_t plain = name[0] == 'n' ? 1 : 0;
    if (context.attributes.get_int(name, plain) == plain) continue;
    return error(ErrorCode::ATTRIBUTE_INVALID, "%s is not supported", name);
  }
  SX_TRY(check_shapes(context));
  const ValueFacts& x = context.inputs[kX];
  const ValueFacts& weights = context.inputs[kWeights];
  if (context.has_output(1)) {
    if (x.has_shape && weights.has_shape) {
      const int64_t taps = weights.shape[2];
      context.set_output(1, x.dtype, {x.shape[0], x.shape[1], taps < 0 ? kUnknownDim : taps - 1});
    } else {
      context.set_output_unknown(1, x.dtype);
    }
  }
  return same_as_input(context);
}

Result<KernelPtr> make_causal_conv(const KernelInit& init) {
  return widened(init, [](const KernelInit& wide) -> Result<KernelPtr> {
    const bool silu = wide.attributes.get_string("activation", "none") != "none";
    return KernelPtr(std::make_unique<CausalConvKernel>(silu));
  });
}

}  // namespace sardonyx::ops
