// BatchNormalization, where no convolution before it has taken it in.
#include <algorithm>
#include <cmath>

#include "ops/one_layout.h"
#include "ops/operator.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/channels.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kScale = 1, kBias = 2, kMean = 3, kVariance = 4;

// Since this opset an attribute says that a node trains; before, its outputs did.
constexpr int kTrainingMode = 14;

struct Mode {
  bool training = false;
  bool spatial = true;  // false: every element of an image has parameters of its own
  float epsilon = 1e-5f, momentum = 0.9f;
};

Mode mode_of(const Attributes& attributes, int opset, size_t outputs) {
  Mode mode;
  mode.training = opset >= kTrainingMode ? attributes.get_int("training_mode", 0) != 0
                  : opset >= 7           ? outputs > 1
                                         : attributes.get_int("is_test", 0) == 0;
  mode.spatial = opset >= 9 || attributes.get_int("spatial", 1) != 0;
  mode.epsilon = attributes.get_float("epsilon", 1e-5f);
  mode.momentum = attributes.get_float("momentum", 0.9f);
  return mode;
}

// Channels of x; an input of rank 1 has one.
int64_t channel_count(const Shape& x, bool spatial) {
  if (!spatial) return x.product(1, x.rank());
  return x.rank() > 1 ? x[1] : 1;
}

int64_t plane_size(const Shape& x, bool spatial) {
  return spatial && x.rank() > 2 ? x.product(2, x.rank()) : 1;
}

// Mean and variance of a channel over all images of x, row-major.
void measure(const float* x, int64_t images, int64_t image, int64_t plane, float& mean,
             float& variance) {
  double sum = 0, squares = 0;
  for (int64_t n = 0; n < images; ++n) {
    for (int64_t i = 0; i < plane; ++i) sum += double{x[n * image + i]};
  }
  const double count = static_cast<double>(images * plane), center = sum / count;
  for (int64_t n = 0; n < images; ++n) {
    for (int64_t i = 0; i < plane; ++i) {
      const double difference = double{x[n * image + i]} - center;
      squares += difference * difference;
    }
  }
  mean = static_cast<float>(center);
  variance = static_cast<float>(squares / count);
}

struct Plan final : StepPlan {
  OneLayout layout;
  // In scratch, when the parameters are not constant.
  size_t factors = SIZE_MAX, statistics = SIZE_MAX;
};

class BatchNormKernel final : public Kernel {
 public:
  explicit BatchNormKernel(const Mode& mode) : mode_(mode) {}
  static Result<KernelPtr> make(const KernelInit& init);
  Status bind(BindContext& context) const override;
  Status run(const RunContext& context) const override;

 private:
  // Mean and variance of x into `statistics`, and what the node says of them into its outputs.
  void train(const RunContext& context, int64_t channels, float* statistics) const;
  // Two arrays of `padded` floats: y = x * factors[c] + factors[padded + c].
  void compute_factors(const float* const (&parameters)[5], int64_t channels, int64_t padded,
                       float* factors) const;

  Mode mode_;
  Block factors_;
};

void BatchNormKernel::compute_factors(const float* const (&parameters)[5], int64_t channels,
                                      int64_t padded, float* factors) const {
  for (int64_t c = 0; c < padded; ++c) {
    const bool used = c < channels;
    const float scale =
        used ? parameters[kScale][c] / std::sqrt(parameters[kVariance][c] + mode_.epsilon) : 0.0f;
    factors[c] = scale;
    factors[padded + c] = used ? parameters[kBias][c] - parameters[kMean][c] * scale : 0.0f;
  }
}

Result<KernelPtr> BatchNormKernel::make(const KernelInit& init) {
  const Mode mode = mode_of(init.attributes, init.opset, init.output_layouts.size());
  auto kernel = std::make_unique<BatchNormKernel>(mode);
  if (mode.training) return KernelPtr(std::move(kernel));
  const float* parameters[5] = {};
  for (size_t i = kScale; i <= kVariance; ++i) {
    if (!init.inputs[i].constant) return KernelPtr(std::move(kernel));
    parameters[i] = reinterpret_cast<const float*>(init.inputs[i].constant->payload.data());
  }
  const int64_t channels = init.inputs[kScale].constant->view().elements();
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
    const int64_t channels = channel_count(context.inputs[kX].shape, mode_.spatial);
    const int64_t floats = 2 * round_up(channels, simd::kChannelBlock);
    SX_ASSIGN(plan->factors, scratch.add_floats(floats));
    SX_ASSIGN(plan->statistics, scratch.add_floats(mode_.training ? floats : 0));
  }
  context.scratch_bytes = scratch.bytes();
  context.plan = std::move(plan);
  return {};
}

void BatchNormKernel::train(const RunContext& context, int64_t channels, float* statistics) const {
  const TensorView& x = context.inputs[kX];
  const int64_t plane = plane_size(x.shape, mode_.spatial);
  for (int64_t c = 0; c < channels; ++c) {
    float &mean = statistics[c], &variance = statistics[channels + c];
    measure(x.as<const float>() + c * plane, x.shape[0], channels * plane, plane, mean, variance);
    const float measured[] = {mean, variance};
    for (size_t i = 0; i < 2; ++i) {
      if (context.has_output(1 + i)) {
        const float before = context.inputs[kMean + i].as<const float>()[c];
        context.outputs[1 + i].as<float>()[c] =
            before * mode_.momentum + measured[i] * (1 - mode_.momentum);
      }
      if (context.has_output(3 + i)) context.outputs[3 + i].as<float>()[c] = measured[i];
    }
  }
}

Status BatchNormKernel::run(const RunContext& context) const {
  const Plan& plan = *static_cast<const Plan*>(context.plan);
  const TensorView& x = context.inputs[kX];
  if (x.elements() == 0) return {};
  const int64_t channels = channel_count(x.shape, mode_.spatial);
  const int64_t padded = round_up(channels, simd::kChannelBlock);
  const float* factors = factors_.as<float>();
  if (!factors_) {
    const float* parameters[5] = {};
    for (size_t i = kScale; i <= kVariance; ++i)
      parameters[i] = context.inputs[i].as<const float>();
    if (mode_.training) {
      auto* statistics = reinterpret_cast<float*>(context.scratch + plan.statistics);
      train(context, channels, statistics);
      parameters[kMean] = statistics;
      parameters[kVariance] = statistics + channels;
    }
    auto* computed = reinterpret_cast<float*>(context.scratch + plan.factors);
    compute_factors(parameters, channels, padded, computed);
    factors = computed;
  }
  const int64_t plane = plane_size(x.shape, mode_.spatial);
  SX_TRY(simd::scale_channels(plan.layout.layout(), x.shape[0], channels, plane,
                              x.as<const float>(), factors, factors + padded,
                              plan.layout.target(context)));
  return plan.layout.finish(context);
}

Status check_parameter(const InferContext& context, size_t input, int64_t channels) {
  const ValueFacts& parameter = context.inputs[input];
  if (!parameter.has_shape || !parameter.shape.is_known()) return {};
  const auto count = parameter.shape.elements();
  if (parameter.shape.rank() >= 1 && (channels < 0 || count == channels)) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "input %zu has shape %s for an input of shape %s", input,
               parameter.shape.to_string().c_str(), context.inputs[kX].shape.to_string().c_str());
}

}  // namespace

Status infer_batch_norm(InferContext& context) {
  SX_TRY(check_arity(context, 5, 5, 5));
  for (size_t i = kX; i <= kVariance; ++i) SX_TRY(check_float(context, i));
  const Mode mode = mode_of(context.attributes, context.opset, context.outputs.size());
  if (context.outputs.size() > 1 && !mode.training) {
    return error(ErrorCode::MODEL_MALFORMED, "%zu outputs without training",
                 context.outputs.size());
  }
  const ValueFacts& x = context.inputs[kX];
  if (x.has_shape && x.shape.rank() < 1) {
    return error(ErrorCode::SHAPE_MISMATCH, "the input is a scalar");
  }
  const bool known = x.has_shape && (mode.spatial || x.shape.is_known());
  const int64_t channels = known ? channel_count(x.shape, mode.spatial) : kUnknownDim;
  for (size_t i = kScale; i <= kVariance; ++i) SX_TRY(check_parameter(context, i, channels));
  for (size_t i = 1; i < context.outputs.size(); ++i) {
    context.outputs[i] = context.inputs[i % 2 ? kMean : kVariance];
    context.outputs[i].value = nullptr;
  }
  return same_as_input(context);
}

Result<KernelPtr> make_batch_norm(const KernelInit& init) {
  return widened(init, BatchNormKernel::make);
}
bool takes_nc4hw4_batch_norm(const KernelInit& init) {
  const Mode mode = mode_of(init.attributes, init.opset, init.output_layouts.size());
  return follows_channel_blocks(init) && !mode.training && mode.spatial;
}

}  // namespace sardonyx::ops
