// GridSample: an image read at the positions that a grid lists, over two or three axes.
#include <algorithm>
#include <array>
#include <cmath>

#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kGrid = 1;
constexpr int kMaxAxes = 3;
constexpr int kMaxTaps = 4;  // of one axis
constexpr float kCubic = -0.75f;
constexpr double kNsPerTap = 1.5;

enum class Mode : uint8_t { kNearest, kLinear, kCubic };
enum class Padding : uint8_t { kZeros, kBorder, kReflection };

struct Options {
  Mode mode = Mode::kLinear;
  Padding padding = Padding::kZeros;
  bool align_corners = false;
};

Result<Options> parse(const Attributes& attributes) {
  Options options;
  const std::string_view mode = attributes.get_string("mode", "linear");
  const std::string_view padding = attributes.get_string("padding_mode", "zeros");
  if (mode == "nearest") {
    options.mode = Mode::kNearest;
  } else if (mode == "cubic" || mode == "bicubic") {
    options.mode = Mode::kCubic;
  } else if (mode != "linear" && mode != "bilinear") {
    return error(ErrorCode::ATTRIBUTE_INVALID, "mode '%.*s' is not known",
                 static_cast<int>(mode.size()), mode.data());
  }
  if (padding == "border") {
    options.padding = Padding::kBorder;
  } else if (padding == "reflection") {
    options.padding = Padding::kReflection;
  } else if (padding != "zeros") {
    return error(ErrorCode::ATTRIBUTE_INVALID, "padding_mode '%.*s' is not known",
                 static_cast<int>(padding.size()), padding.data());
  }
  options.align_corners = attributes.get_int("align_corners", 0) != 0;
  return options;
}

// Mirrors x at the ends of [low, high] until it is inside.
float reflect(float x, float low, float high) {
  const float span = high - low;
  if (span <= 0) return low;
  const float distance = std::fmod(std::fabs(x - low), 2 * span);
  return low + (distance > span ? 2 * span - distance : distance);
}

// The elements of one axis that a position reads.
struct AxisTaps {
  int count = 1;
  std::array<int64_t, kMaxTaps> index{};  // -1: outside, reads 0
  std::array<float, kMaxTaps> weight{1.0f};
};

class Axis {
 public:
  Axis(const Options& options, int64_t extent)
      : options_(options),
        extent_(extent),
        low_(options.align_corners ? 0.0f : -0.5f),
        high_(static_cast<float>(extent) - (options.align_corners ? 1.0f : 0.5f)) {}

  AxisTaps at(float normalized) const {
    float x = position(normalized);
    if (options_.mode == Mode::kNearest) x = std::nearbyint(x);
    x = padded(x);
    AxisTaps taps;
    if (options_.mode == Mode::kNearest) {
      taps.index[0] = place(static_cast<int64_t>(x));
      return taps;
    }
    const float floor = std::floor(x), t = x - floor;
    const bool cubic = options_.mode == Mode::kCubic;
    taps.count = cubic ? 4 : 2;
    for (int i = 0; i < taps.count; ++i) {
      const auto k = static_cast<size_t>(i);
      taps.index[k] = place(static_cast<int64_t>(floor) + i - (cubic ? 1 : 0));
    }
    if (cubic) {
      taps.weight = {outer(t + 1), inner(t), inner(1 - t), outer(2 - t)};
    } else {
      taps.weight = {1 - t, t};
    }
    return taps;
  }

 private:
  float position(float normalized) const {
    const auto extent = static_cast<float>(extent_);
    const float x = options_.align_corners ? (normalized + 1) / 2 * (extent - 1)
                                           : ((normalized + 1) * extent - 1) / 2;
    // Keeps conversions to integers defined; NaN lies outside.
    constexpr float kFar = 1e9f;
    return x > -kFar ? std::min(x, kFar) : -kFar;
  }
  float padded(float x) const {
    if (options_.padding == Padding::kBorder) {
      return std::clamp(x, 0.0f, static_cast<float>(extent_ - 1));
    }
    return options_.padding == Padding::kReflection ? reflect(x, low_, high_) : x;
  }
  int64_t place(int64_t index) const {
    if (index >= 0 && index < extent_) return index;
    switch (options_.padding) {
      case Padding::kZeros:
        return -1;
      case Padding::kBorder:
        break;
      case Padding::kReflection:
        index = static_cast<int64_t>(reflect(static_cast<float>(index), low_, high_));
    }
    return std::clamp<int64_t>(index, 0, extent_ - 1);
  }
  // Keys' kernel at distances up to 1 and from 1 to 2.
  static float inner(float d) { return ((kCubic + 2) * d - (kCubic + 3)) * d * d + 1; }
  static float outer(float d) {
    return ((kCubic * d - 5 * kCubic) * d + 8 * kCubic) * d - 4 * kCubic;
  }

  Options options_;
  int64_t extent_;
  float low_, high_;  // where reflection turns
};

// All taps of one position: offsets in a plane of the image and weights.
struct PointTaps {
  int count = 0;
  std::array<int64_t, kMaxTaps * kMaxTaps * kMaxTaps> offset;
  std::array<float, kMaxTaps * kMaxTaps * kMaxTaps> weight;

  void reset() {
    count = 1;
    offset[0] = 0;
    weight[0] = 1;
  }
  // One more axis, outside the ones so far.
  void extend(const AxisTaps& axis, int64_t stride) {
    const int before = count;
    const auto offsets = offset;
    const auto weights = weight;
    count = 0;
    for (int i = 0; i < axis.count; ++i) {
      const auto k = static_cast<size_t>(i);
      if (axis.index[k] < 0) continue;
      for (size_t j = 0; j < static_cast<size_t>(before); ++j) {
        offset[static_cast<size_t>(count)] = offsets[j] + axis.index[k] * stride;
        weight[static_cast<size_t>(count++)] = weights[j] * axis.weight[k];
      }
    }
  }
};

Status run_grid_sample(const Attributes& attributes, const RunContext& context) {
  SX_ASSIGN(const Options options, parse(attributes));
  const TensorView &x = context.inputs[kX], &y = context.outputs[0];
  if (y.elements() == 0) return {};
  const int axes = x.shape.rank() - 2;
  const int64_t channels = x.shape[1];
  const int64_t plane = x.shape.product(2, axes + 2), points = y.shape.product(2, axes + 2);
  const double taps = options.mode == Mode::kNearest ? 1 : options.mode == Mode::kLinear ? 8 : 16;
  const auto grain = simd::grain_for(kNsPerTap * taps * static_cast<double>(channels + 4));
  return simd::parallel_for(y.shape[0] * points, grain, [&](int64_t begin, int64_t end) {
    PointTaps point;
    for (int64_t i = begin; i < end; ++i) {
      const float* position = context.inputs[kGrid].as<const float>() + i * axes;
      point.reset();
      int64_t stride = 1;
      for (int axis = 0; axis < axes; ++axis) {
        const int64_t extent = x.shape[axes + 1 - axis];
        point.extend(Axis(options, extent).at(position[axis]), stride);
        stride *= extent;
      }
      const int64_t image = i / points * channels;
      for (int64_t c = 0; c < channels; ++c) {
        const float* from = x.as<const float>() + (image + c) * plane;
        float sum = 0;
        for (size_t k = 0; k < static_cast<size_t>(point.count); ++k) {
          sum += point.weight[k] * from[point.offset[k]];
        }
        y.as<float>()[(image + c) * points + i % points] = sum;
      }
    }
  });
}

Result<KernelPtr> make_floats(const KernelInit& init) {
  return stateless(init, run_grid_sample);
}

}  // namespace

Status infer_grid_sample(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  SX_TRY(check_numeric(context, kX));
  SX_TRY(check_float(context, kGrid));
  SX_TRY(parse(context.attributes).take_status());
  const ValueFacts &x = context.inputs[kX], &grid = context.inputs[kGrid];
  context.set_output_unknown(0, x.dtype);
  if (!x.has_shape || !grid.has_shape) return {};
  const int axes = x.shape.rank() - 2;
  const bool fits = axes >= 1 && axes <= kMaxAxes && grid.shape.rank() == axes + 2 &&
                    (grid.shape[axes + 1] < 0 || grid.shape[axes + 1] == axes) &&
                    (grid.shape[0] < 0 || x.shape[0] < 0 || grid.shape[0] == x.shape[0]);
  if (!fits) {
    return error(ErrorCode::SHAPE_MISMATCH, "an input of shape %s with a grid of shape %s",
                 x.shape.to_string().c_str(), grid.shape.to_string().c_str());
  }
  Shape out = x.shape;
  for (int axis = 0; axis < axes; ++axis) {
    if (x.shape[axis + 2] == 0 && grid.shape[axis + 1] != 0) {
      return error(ErrorCode::SHAPE_MISMATCH, "an input of shape %s has nothing to read",
                   x.shape.to_string().c_str());
    }
    out[axis + 2] = grid.shape[axis + 1];
  }
  context.set_output(0, x.dtype, out);
  return {};
}

Result<KernelPtr> make_grid_sample(const KernelInit& init) {
  return widened(init, make_floats);
}

}  // namespace sardonyx::ops
