// InstanceNormalization and GroupNormalization: each group of channels of each image to mean 0 and
// variance 1, then a scale and a bias per channel.
#include <cmath>

#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/elementwise.h"
#include "simd/parallel.h"
#include "simd/reduce.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kScale = 1, kBias = 2;
constexpr double kNsPerElement = 0.6;
// Before this opset scale and bias were per group.
constexpr int kScalePerChannel = 21;

// y may be x.
void normalize_group(const float* x, int64_t count, float epsilon, float* y) {
  const auto elements = static_cast<float>(count);
  const float mean = simd::reduce_sum(x, count) / elements;
  const float variance = simd::reduce_sum_squared_differences(x, mean, count) / elements;
  const float factor = 1 / std::sqrt(variance + epsilon);
  simd::scale_offset(x, 1.0f, -mean, y, count);
  simd::scale_offset(y, factor, 0.0f, y, count);
}

class GroupNormKernel final : public Kernel {
 public:
  // 0 groups: as many as channels.
  GroupNormKernel(int64_t groups, float epsilon) : groups_(groups), epsilon_(epsilon) {}

  Status run(const RunContext& context) const override {
    const TensorView &x = context.inputs[kX], &y = context.outputs[0];
    if (y.elements() == 0) return {};
    const int64_t channels = x.shape[1], plane = x.shape.product(2, x.shape.rank());
    const int64_t groups = groups_ == 0 ? channels : groups_;
    const int64_t members = channels / groups;
    const bool per_channel = context.inputs[kScale].elements() == channels;
    const auto* scale = context.inputs[kScale].as<const float>();
    const auto* bias = context.inputs[kBias].as<const float>();
    const auto grain = simd::grain_for(kNsPerElement * static_cast<double>(members * plane));
    return simd::parallel_for(x.shape[0] * groups, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        float* to = y.as<float>() + i * members * plane;
        normalize_group(x.as<const float>() + i * members * plane, members * plane, epsilon_, to);
        const int64_t group = i % groups;
        for (int64_t m = 0; m < members; ++m, to += plane) {
          const int64_t at = per_channel ? group * members + m : group;
          simd::scale_offset(to, scale[at], bias[at], to, plane);
        }
      }
    });
  }
  std::string_view name() const override { return groups_ == 0 ? "instance_norm" : "group_norm"; }

 private:
  int64_t groups_;
  float epsilon_;
};

Status check_factor(const InferContext& context, size_t input, int64_t count) {
  const ValueFacts& factor = context.inputs[input];
  if (!factor.has_shape) return {};
  const bool fits =
      factor.shape.rank() == 1 && (factor.shape[0] < 0 || count < 0 || factor.shape[0] == count);
  if (fits) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "input %zu has shape %s, not [%lld]", input,
               factor.shape.to_string().c_str(), static_cast<long long>(count));
}

// `factors` elements in scale and bias; kUnknownDim: one per channel.
Status infer(InferContext& context, int64_t groups, int64_t factors) {
  SX_TRY(check_arity(context, 3, 3));
  for (size_t i = kX; i <= kBias; ++i) SX_TRY(check_float(context, i));
  const ValueFacts& x = context.inputs[kX];
  if (x.has_shape) {
    if (x.shape.rank() < 2) {
      return error(ErrorCode::SHAPE_MISMATCH, "an input of shape %s", x.shape.to_string().c_str());
    }
    const int64_t channels = x.shape[1];
    if (groups > 0 && channels >= 0 && channels % groups != 0) {
      return error(ErrorCode::SHAPE_MISMATCH, "%lld channels in %lld groups",
                   static_cast<long long>(channels), static_cast<long long>(groups));
    }
    const int64_t wanted = factors == kUnknownDim ? channels : factors;
    SX_TRY(check_factor(context, kScale, wanted));
    SX_TRY(check_factor(context, kBias, wanted));
  }
  return same_as_input(context);
}

float epsilon_of(const KernelInit& init) {
  return init.attributes.get_float("epsilon", 1e-5f);
}
Result<KernelPtr> make_instances(const KernelInit& init) {
  return KernelPtr(std::make_unique<GroupNormKernel>(0, epsilon_of(init)));
}
Result<KernelPtr> make_groups(const KernelInit& init) {
  SX_ASSIGN(const int64_t groups, init.attributes.require_int("num_groups"));
  return KernelPtr(std::make_unique<GroupNormKernel>(groups, epsilon_of(init)));
}

}  // namespace

Status infer_instance_norm(InferContext& context) {
  return infer(context, 0, kUnknownDim);
}
Result<KernelPtr> make_instance_norm(const KernelInit& init) {
  return widened(init, make_instances);
}

Status infer_group_norm(InferContext& context) {
  SX_ASSIGN(const int64_t groups, context.attributes.require_int("num_groups"));
  if (groups < 1) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "num_groups %lld", static_cast<long long>(groups));
  }
  return infer(context, groups, context.opset < kScalePerChannel ? groups : kUnknownDim);
}
Result<KernelPtr> make_group_norm(const KernelInit& init) {
  return widened(init, make_groups);
}

}  // namespace sardonyx::ops
