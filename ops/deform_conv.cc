// DeformConv: a convolution whose taps are moved by offsets, and scaled by a mask, per position.
#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "ops/bilinear.h"
#include "ops/conv_shape.h"
#include "ops/operator.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/parallel.h"
#include "simd/reduce.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kW = 1, kOffset = 2, kBias = 3, kMask = 4;
constexpr double kNsPerTap = 5.0, kNsPerMultiplyAdd = 0.2;

struct Plan final : StepPlan {
  Window window;
  int64_t groups = 1, offset_groups = 1;
  int64_t pad[2] = {0, 0};
  int64_t columns = 0;  // floats that one position reads
  int threads = 1;
};

// One image and its maps.
struct Image {
  const float *x, *offset, *mask;  // mask may be null
};

class DeformConvKernel final : public Kernel {
 public:
  explicit DeformConvKernel(const Attributes& attributes) : attributes_(attributes) {}
  Status bind(BindContext& context) const override;
  Status run(const RunContext& context) const override;
  std::string_view name() const override { return "deform_conv"; }

 private:
  const Attributes& attributes_;  // owned by the lowering, which outlives its kernels
};

Status DeformConvKernel::bind(BindContext& context) const {
  auto plan = std::make_unique<Plan>();
  const Shape &x = context.inputs[kX].shape, &w = context.inputs[kW].shape;
  SX_ASSIGN(plan->window, parse_window(attributes_, w.dims().subspan(2)));
  plan->groups = attributes_.get_int("group", 1);
  plan->offset_groups = attributes_.get_int("offset_group", 1);
  for (int axis = 0; axis < 2; ++axis) {
    SX_ASSIGN(const WindowAxis placed, place_window(plan->window, axis, x[axis + 2]));
    plan->pad[axis] = placed.pad_begin;
  }
  plan->columns = x[1] * w[2] * w[3];
  plan->threads = simd::threads_wanted();
  ScratchLayout scratch;
  SX_TRY(scratch.add_floats(checked_mul<int64_t>(plan->columns, plan->threads)).take_status());
  context.scratch_bytes = scratch.bytes();
  context.plan = std::move(plan);
  return {};
}

// What the taps of output position (row, column) read: [channel][tap].
void gather(const Plan& plan, const Shape& x, const Shape& y, const Image& image, int64_t row,
            int64_t column, float* to) {
  const int64_t height = x[2], width = x[3], channels = x[1];
  const int64_t taps = plan.window.kernel[0] * plan.window.kernel[1];
  const int64_t out_plane = y[2] * y[3], at = row * y[3] + column;
  const int64_t members = channels / plan.offset_groups;
  for (int64_t group = 0; group < plan.offset_groups; ++group) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t index = group * taps + tap;
      const float* shift = image.offset + 2 * index * out_plane + at;
      const int64_t i = tap / plan.window.kernel[1], j = tap % plan.window.kernel[1];
      const int64_t top = row * plan.window.stride[0] - plan.pad[0] + i * plan.window.dilation[0];
      const int64_t left =
          column * plan.window.stride[1] - plan.pad[1] + j * plan.window.dilation[1];
      const float v = static_cast<float>(top) + shift[0];
      const float u = static_cast<float>(left) + shift[out_plane];
      float* out = to + group * members * taps + tap;
      const bool inside = height > 0 && width > 0 && v > -1 && u > -1 &&
                          v < static_cast<float>(height) && u < static_cast<float>(width);
      if (!inside) {
        for (int64_t c = 0; c < members; ++c) out[c * taps] = 0;
        continue;
      }
      Bilinear around(v, u, height, width);
      around.ignore_outside(v, u, height, width);
      const float factor = image.mask ? image.mask[index * out_plane + at] : 1.0f;
      for (int64_t c = 0; c < members; ++c) {
        out[c * taps] = factor * around.read(image.x + (group * members + c) * height * width);
      }
    }
  }
}

Status DeformConvKernel::run(const RunContext& context) const {
  const Plan& plan = *static_cast<const Plan*>(context.plan);
  const TensorView &x = context.inputs[kX], &y = context.outputs[0];
  if (y.elements() == 0) return {};
  const Shape &in = x.shape, &out = y.shape;
  const int64_t taps = plan.window.kernel[0] * plan.window.kernel[1];
  const int64_t filters = out[1], plane = out[2] * out[3];
  const int64_t group_columns = plan.columns / plan.groups;
  const float* bias = context.has_input(kBias) ? context.inputs[kBias].as<const float>() : nullptr;
  const float* mask = context.has_input(kMask) ? context.inputs[kMask].as<const float>() : nullptr;
  const double work = kNsPerTap * static_cast<double>(plan.columns) +
                      kNsPerMultiplyAdd * static_cast<double>(group_columns * filters);
  return simd::parallel_for(
      out[0] * plane, simd::grain_for(work), plan.threads,
      [&](int64_t begin, int64_t end, int thread) {
        float* columns = reinterpret_cast<float*>(context.scratch) + thread * plan.columns;
        for (int64_t i = begin; i < end; ++i) {
          const int64_t n = i / plane, at = i % plane;
          const int64_t maps = n * plan.offset_groups * taps * plane;
          const Image image{x.as<const float>() + n * in[1] * in[2] * in[3],
                            context.inputs[kOffset].as<const float>() + 2 * maps,
                            mask ? mask + maps : nullptr};
          gather(plan, in, out, image, at / out[3], at % out[3], columns);
          for (int64_t f = 0; f < filters; ++f) {
            const int64_t group = f / (filters / plan.groups);
            const float sum = simd::dot(context.inputs[kW].as<const float>() + f * group_columns,
                                        columns + group * group_columns, group_columns);
            y.as<float>()[(n * filters + f) * plane + at] = sum + (bias ? bias[f] : 0.0f);
          }
        }
      });
}

Result<KernelPtr> make_floats(const KernelInit& init) {
  return KernelPtr(std::make_unique<DeformConvKernel>(init.attributes));
}

// The maps at `input` have `parts` planes per tap of each offset group, as large as the output.
Status check_maps(const InferContext& context, size_t input, int64_t planes) {
  if (!context.has_input(input) || !context.inputs[input].has_shape) return {};
  const Shape& maps = context.inputs[input].shape;
  const Shape& y = context.outputs[0].shape;
  bool fits = maps.rank() == 4;
  const int64_t wanted[] = {y[0], planes, y[2], y[3]};
  for (int i = 0; i < 4 && fits; ++i) {
    fits = maps[i] < 0 || wanted[i] < 0 || maps[i] == wanted[i];
  }
  if (fits) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "input %zu of shape %s for an output of shape %s", input,
               maps.to_string().c_str(), y.to_string().c_str());
}

}  // namespace

Status infer_deform_conv(InferContext& context) {
  SX_TRY(check_arity(context, 3, 5));
  for (size_t i = kX; i <= kMask; ++i) SX_TRY(check_float(context, i));
  const ValueFacts &x = context.inputs[kX], &w = context.inputs[kW];
  SX_TRY(infer_conv_shape(context, {.x = kX, .w = kW, .bias = kBias}, x.dtype));
  const int64_t offset_groups = context.attributes.get_int("offset_group", 1);
  const int64_t channels = x.has_shape ? x.shape[1] : kUnknownDim;
  if (offset_groups < 1 || offset_groups > INT32_MAX ||
      (channels > 0 && channels % offset_groups != 0)) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "offset_group %lld for %lld channels",
                 static_cast<long long>(offset_groups), static_cast<long long>(channels));
  }
  if (!x.has_shape || !w.has_shape) return {};
  if (x.shape.rank() != 4) {
    return error(ErrorCode::MODEL_UNSUPPORTED, "an input of shape %s: only images of two axes",
                 x.shape.to_string().c_str());
  }
  const bool known = w.shape[2] >= 0 && w.shape[3] >= 0;
  const auto taps = known ? checked_mul(w.shape[2], w.shape[3]) : std::nullopt;
  const auto planes = taps ? checked_mul(*taps, offset_groups) : std::nullopt;
  const auto offsets = planes ? checked_mul<int64_t>(*planes, 2) : std::nullopt;
  SX_TRY(check_maps(context, kOffset, offsets.value_or(kUnknownDim)));
  return check_maps(context, kMask, planes.value_or(kUnknownDim));
}

Result<KernelPtr> make_deform_conv(const KernelInit& init) {
  return widened(init, make_floats);
}

}  // namespace sardonyx::ops
