// BatchNormalization at inference, where no convolution before it has taken it in.
#include <cmath>

#include "ops/one_layout.h"
#include "ops/operator.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "simd/channels.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kScale = 1, kBias = 2, kMean = 3, kVariance = 4;

// Channels of x; an input of rank 1 has one.
int64_t channel_count(const Shape& x) {
  return x.rank() > 1 ? x[1] : 1;
}

struct Plan final : StepPlan {
  OneLayout layout;
  size_t factors = SIZE_MAX;  // in scratch, when the parameters are not constant
};

class BatchNormKernel final : public Kernel {
 public:
  static Result<KernelPtr> make(const KernelInit& init);
  Status bind(BindContext& context) const override;
  Status run(const RunContext& context) const override;

 private:
  // Two arrays of `padded` floats: y = x * factors[c] + factors[padded + c].
  void compute_factors(const float* const (&parameters)[5], int64_t channels, int64_t padded,
                       float* factors) const;

  float epsilon_ = 1e-5f;
  Block factors_;
};

void BatchNormKernel::compute_factors(const float* const (&parameters)[5], int64_t channels,
                                      int64_t padded, float* factors) const {
  for (int64_t c = 0; c < padded; ++c) {
    const bool used = c < channels;
    const float scale =
        used ? parameters[kScale][c] / std::sqrt(parameters[kVariance][c] + epsilon_) : 0.0f;
    factors[c] = scale;
    factors[padded + c] = used ? parameters[kBias][c] - parameters[kMean][c] * scale : 0.0f;
  }
}

Result<KernelPtr> BatchNormKernel::make(const KernelInit& init) {
  auto kernel = std::make_unique<BatchNormKernel>();
  kernel->epsilon_ = init.attributes.get_float("epsilon", 1e-5f);
  const float* parameters[5] = {};
  for (size_t i = kScale; i <= kVariance; ++i) {
    if (!init.inputs[i].constant) return KernelPtr(std::move(kernel));
    parameters[i] = reinterpret_cast<const float*>(init.inputs[i].constant->payload.data());
  }
  const int64_t channels = init.inputs[kScale].constant->shape[0];
  const int64_t padded = round_up(channels, simd::kChannelBlock);
  SX_ASSIGN(kernel->factors_, Block::allocate(static_cast<uint64_t>(2 * padded) * sizeof(float)));
  kernel->compute_factors(parameters, channels, padded, kernel->factors_.as<float>());
  for (size_t i = kScale; i <= kVariance; ++i) init.consumed(i);
  return KernelPtr(std::move(kernel));
}

Status BatchNormKernel::bind(BindContext& context) const {
  auto plan = std::make_unique<Plan>();
  ScratchLayout scratch;
  SX_ASSIGN(plan->layout, OneLayout::place(context, scratch));
  if (!factors_) {
    const int64_t channels = channel_count(context.inputs[kX].shape);
    SX_ASSIGN(plan->factors, scratch.add_floats(2 * round_up(channels, simd::kChannelBlock)));
  }
  context.scratch_bytes = scratch.bytes();
  context.plan = std::move(plan);
  return {};
}

Status BatchNormKernel::run(const RunContext& context) const {
  const Plan& plan = *static_cast<const Plan*>(context.plan);
  const TensorView& x = context.inputs[kX];
  if (x.elements() == 0) return {};
  const int64_t channels = channel_count(x.shape);
  const int64_t padded = round_up(channels, simd::kChannelBlock);
  const float* factors = factors_.as<float>();
  if (!factors_) {
    const float* parameters[5] = {};
    for (size_t i = kScale; i <= kVariance; ++i)
      parameters[i] = context.inputs[i].as<const float>();
    auto* computed = reinterpret_cast<float*>(context.scratch + plan.factors);
    compute_factors(parameters, channels, padded, computed);
    factors = computed;
  }
  const int64_t plane = x.shape.rank() > 2 ? x.shape.product(2, x.shape.rank()) : 1;
  SX_TRY(simd::scale_channels(plan.layout.layout(), x.shape[0], channels, plane,
                              x.as<const float>(), factors, factors + padded,
                              plan.layout.target(context)));
  return plan.layout.finish(context);
}

}  // namespace

Status infer_batch_norm(InferContext& context) {
  SX_TRY(check_arity(context, 5, 5, 5));
  for (size_t i = kX; i <= kVariance; ++i) SX_TRY(check_dtype(context, i, {DType::kFloat32}));
  const bool tests = context.opset >= 7 || context.attributes.get_int("is_test", 0) != 0;
  if (!tests || context.attributes.get_int("training_mode", 0) != 0 || context.outputs.size() > 1) {
    return error(ErrorCode::MODEL_UNSUPPORTED, "BatchNormalization in training mode");
  }
  if (context.attributes.get_int("spatial", 1) == 0) {
    return error(ErrorCode::MODEL_UNSUPPORTED, "BatchNormalization with spatial = 0");
  }
  const ValueFacts& x = context.inputs[kX];
  if (x.has_shape && x.shape.rank() < 1) {
    return error(ErrorCode::SHAPE_MISMATCH, "the input is a scalar");
  }
  const int64_t channels = x.has_shape ? channel_count(x.shape) : kUnknownDim;
  for (size_t i = kScale; i <= kVariance; ++i) {
    const ValueFacts& parameter = context.inputs[i];
    if (!parameter.has_shape) continue;
    const int64_t dim = parameter.shape.rank() == 1 ? parameter.shape[0] : INT64_MAX;
    if (dim == INT64_MAX || (dim != channels && dim >= 0 && channels >= 0)) {
      return error(ErrorCode::SHAPE_MISMATCH, "input %zu has shape %s for an input of shape %s", i,
                   parameter.shape.to_string().c_str(), x.shape.to_string().c_str());
    }
  }
  return same_as_input(context);
}

Result<KernelPtr> make_batch_norm(const KernelInit& init) {
  return BatchNormKernel::make(init);
}
bool takes_nc4hw4_batch_norm(const KernelInit& init) {
  return follows_channel_blocks(init);
}

}  // namespace sardonyx::ops
