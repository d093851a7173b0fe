#include "ops/resize_table.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "base/checked.h"

namespace sardonyx::ops {
namespace {

using Mode = ResizeOptions::Mode;
using Coordinates = ResizeOptions::Coordinates;
using Rounding = ResizeOptions::Rounding;
using AspectRatio = ResizeOptions::AspectRatio;

template <typename T>
struct Name {
  std::string_view name;
  T value;
};
constexpr Name<Mode> kModes[] = {
    {"nearest", Mode::kNearest},
    {"linear", Mode::kLinear},
    {"bilinear", Mode::kLinear},  // Upsample of opset 1
    {"cubic", Mode::kCubic},
};
constexpr Name<Coordinates> kCoordinates[] = {
    {"half_pixel", Coordinates::kHalfPixel},
    {"half_pixel_symmetric", Coordinates::kHalfPixelSymmetric},
    {"pytorch_half_pixel", Coordinates::kPytorchHalfPixel},
    {"align_corners", Coordinates::kAlignCorners},
    {"asymmetric", Coordinates::kAsymmetric},
    {"tf_crop_and_resize", Coordinates::kCropAndResize},
    {"tf_half_pixel_for_nn", Coordinates::kHalfPixelForNearest},
};
constexpr Name<Rounding> kRoundings[] = {
    {"round_prefer_floor", Rounding::kPreferFloor},
    {"round_prefer_ceil", Rounding::kPreferCeil},
    {"floor", Rounding::kFloor},
    {"ceil", Rounding::kCeil},
};
constexpr Name<AspectRatio> kAspectRatios[] = {
    {"stretch", AspectRatio::kStretch},
    {"not_larger", AspectRatio::kNotLarger},
    {"not_smaller", AspectRatio::kNotSmaller},
};

template <typename T, size_t kCount>
Status read_name(const Attributes& attributes, const char* attribute,
                 const Name<T> (&names)[kCount], T& value) {
  const std::string_view given = attributes.get_string(attribute, names[0].name);
  for (const Name<T>& name : names) {
    if (name.name != given) continue;
    value = name.value;
    return {};
  }
  return error(ErrorCode::ATTRIBUTE_INVALID, "%s '%.*s' is not known", attribute,
               static_cast<int>(given.size()), given.data());
}

// The position in the input that output position `at` shows, in float as the reference runtimes do:
// ties of nearest neighbours depend on it.
float input_position(const ResizeOptions& options, const ResizeAxis& axis, int64_t at) {
  const auto x = static_cast<float>(at), in = static_cast<float>(axis.in);
  const auto out = static_cast<float>(axis.out);
  switch (options.coordinates) {
    case Coordinates::kHalfPixel:
      return (x + 0.5f) / axis.scale - 0.5f;
    case Coordinates::kHalfPixelSymmetric: {
      const float adjustment = out / (axis.scale * in);
      return in / 2 * (1 - adjustment) + (x + 0.5f) / axis.scale - 0.5f;
    }
    case Coordinates::kPytorchHalfPixel:
      return axis.out > 1 ? (x + 0.5f) / axis.scale - 0.5f : 0.0f;
    case Coordinates::kAlignCorners:
      return axis.out > 1 ? x * (in - 1) / (axis.extent - 1) : 0.0f;
    case Coordinates::kAsymmetric:
      return x / axis.scale;
    case Coordinates::kCropAndResize:
      return axis.out > 1 ? axis.roi_begin * (in - 1) +
                                x * (axis.roi_end - axis.roi_begin) * (in - 1) / (out - 1)
                          : 0.5f * (axis.roi_begin + axis.roi_end) * (in - 1);
    case Coordinates::kHalfPixelForNearest:
      return (x + 0.5f) / axis.scale;
  }
  return x;
}

float round_position(Rounding rounding, float x, bool shrinking) {
  switch (rounding) {
    case Rounding::kPreferFloor:
      return std::ceil(x - 0.5f);
    case Rounding::kPreferCeil:
      return std::floor(x + 0.5f);
    case Rounding::kFloor:
      return std::floor(x);
    case Rounding::kCeil:
      return std::ceil(x);
    case Rounding::kSimple:
      return shrinking ? std::ceil(x) : std::floor(x);
  }
  return x;
}

// The interpolation kernels at a distance, and their reach.
float triangle(float distance) {
  return std::max(0.0f, 1.0f - std::fabs(distance));
}

// Keys, with the free coefficient a.
float cubic(float distance, float a) {
  const float d = std::fabs(distance);
  if (d <= 1.0f) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2.0f) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0.0f;
}

// How interpolation reads around a position: taps first ... first + count - 1 relative to the
// position rounded down, with the kernel stretched by 1 / scale.
struct Stencil {
  int64_t first = 0;
  int64_t count = 1;
  float scale = 1.0f;
};

Stencil stencil_of(const ResizeOptions& options, const ResizeAxis& axis) {
  if (options.mode == Mode::kNearest) return {};
  const int64_t reach = options.mode == Mode::kLinear ? 1 : 2;
  const bool shrinks = options.antialias && axis.scale < 1.0f;
  Stencil stencil;
  stencil.scale = shrinks ? axis.scale : 1.0f;
  stencil.first = static_cast<int64_t>(std::floor(-static_cast<float>(reach) / stencil.scale)) + 1;
  stencil.count = 2 - 2 * stencil.first;
  return stencil;
}

// The weights of the taps around `x`, which add up to one where there are any.
void weigh(const ResizeOptions& options, const Stencil& stencil, float fraction, int64_t base,
           int64_t in, float* weights) {
  float sum = 0.0f;
  for (int64_t t = 0; t < stencil.count; ++t) {
    const int64_t offset = stencil.first + t;
    const float distance = (static_cast<float>(offset) - fraction) * stencil.scale;
    float weight = options.mode == Mode::kLinear ? triangle(distance)
                                                 : cubic(distance, options.cubic_coefficient);
    const int64_t index = base + offset;
    if (options.exclude_outside && (index < 0 || index >= in)) weight = 0.0f;
    weights[t] = weight;
    sum += weight;
  }
  const bool normalize = options.exclude_outside || stencil.scale != 1.0f;
  if (!normalize || sum == 0.0f) return;
  for (int64_t t = 0; t < stencil.count; ++t) weights[t] /= sum;
}

}  // namespace

Result<ResizeOptions> parse_resize(const Attributes& attributes, bool simple) {
  ResizeOptions options;
  SX_TRY(read_name(attributes, "mode", kModes, options.mode));
  if (simple) {
    options.coordinates = Coordinates::kAsymmetric;
    options.rounding = Rounding::kSimple;
    return options;
  }
  SX_TRY(
      read_name(attributes, "coordinate_transformation_mode", kCoordinates, options.coordinates));
  SX_TRY(read_name(attributes, "nearest_mode", kRoundings, options.rounding));
  SX_TRY(read_name(attributes, "keep_aspect_ratio_policy", kAspectRatios, options.aspect_ratio));
  options.exclude_outside = attributes.get_int("exclude_outside", 0) != 0;
  options.antialias = attributes.get_int("antialias", 0) != 0;
  options.cubic_coefficient = attributes.get_float("cubic_coeff_a", -0.75f);
  options.extrapolation_value = attributes.get_float("extrapolation_value", 0.0f);
  return options;
}

Result<ResizeTable> ResizeTable::make(const ResizeOptions& options, const ResizeAxis& axis) {
  ResizeTable table;
  table.view_.in = axis.in;
  if (axis.out == 0) return table;
  const Stencil stencil = stencil_of(options, axis);
  const auto entries = checked_mul(axis.out, stencil.count);
  const auto bytes = checked_mul<int64_t>(entries.value_or(INT64_MAX), sizeof(float));
  const bool interpolates = options.mode != Mode::kNearest;
  const bool crops = options.coordinates == Coordinates::kCropAndResize;
  const auto size = static_cast<uint64_t>(bytes.value_or(INT64_MAX));
  SX_ASSIGN(table.indices_, Block::allocate(size));
  SX_ASSIGN(table.weights_, Block::allocate(interpolates ? size : 0));
  SX_ASSIGN(table.outside_, Block::allocate(crops ? static_cast<uint64_t>(axis.out) : 0));
  auto* indices = table.indices_.as<int32_t>();
  auto* weights = table.weights_.as<float>();
  const int64_t last = std::max<int64_t>(axis.in - 1, 0);
  for (int64_t o = 0; o < axis.out; ++o) {
    const float x = input_position(options, axis, o);
    const auto limit = static_cast<float>(axis.in) + 1.0f;
    // Beyond an element on either side all positions are alike; keeps the conversion defined.
    const float near = x >= -2.0f ? std::min(x, limit) : -2.0f;
    if (crops) table.outside_.data()[o] = !(x >= 0.0f && x <= static_cast<float>(last));
    if (!interpolates) {
      const float nearest = round_position(options.rounding, near, axis.scale < 1.0f);
      *indices++ =
          static_cast<int32_t>(std::clamp<int64_t>(static_cast<int64_t>(nearest), 0, last));
      continue;
    }
    const float floor = std::floor(near);
    const auto base = static_cast<int64_t>(floor);
    weigh(options, stencil, near - floor, base, axis.in, weights);
    weights += stencil.count;
    for (int64_t t = 0; t < stencil.count; ++t) {
      const int64_t index = base + stencil.first + t;
      *indices++ = static_cast<int32_t>(std::clamp<int64_t>(index, 0, last));
    }
  }
  table.view_ = {axis.in,
                 axis.out,
                 stencil.count,
                 table.indices_.as<int32_t>(),
                 interpolates ? table.weights_.as<float>() : nullptr,
                 crops ? table.outside_.data() : nullptr,
                 options.extrapolation_value};
  return table;
}

bool ResizeTable::is_identity() const {
  if (view_.in != view_.out) return false;
  for (int64_t o = 0; o < view_.out; ++o) {
    if (view_.outside && view_.outside[o]) return false;
    float own = 0.0f;
    for (int64_t t = 0; t < view_.taps; ++t) {
      const float weight = view_.weights ? view_.weights[o * view_.taps + t] : 1.0f;
      if (view_.indices[o * view_.taps + t] == o) {
        own += weight;
      } else if (weight != 0.0f) {
        return false;
      }
    }
    if (own != 1.0f) return false;
  }
  return true;
}

}  // namespace sardonyx::ops
