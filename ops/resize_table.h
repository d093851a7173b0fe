// Where the elements of a resized axis come from: the coordinate transformations, rounding and
// interpolation of ONNX Resize and Upsample.
#pragma once

#include <cstdint>

#include "base/block.h"
#include "base/status.h"
#include "ops/attributes.h"
#include "simd/resize.h"

namespace sardonyx::ops {

struct ResizeOptions {
  enum class Mode : uint8_t { kNearest, kLinear, kCubic };
  enum class Coordinates : uint8_t {
    kHalfPixel,
    kHalfPixelSymmetric,
    kPytorchHalfPixel,
    kAlignCorners,
    kAsymmetric,
    kCropAndResize,
    kHalfPixelForNearest,
  };
  enum class Rounding : uint8_t {
    kPreferFloor,
    kPreferCeil,
    kFloor,
    kCeil,
    kSimple,  // before opset 11: floor when enlarging, ceil when shrinking
  };
  enum class AspectRatio : uint8_t { kStretch, kNotLarger, kNotSmaller };

  Mode mode = Mode::kNearest;
  Coordinates coordinates = Coordinates::kHalfPixel;
  Rounding rounding = Rounding::kPreferFloor;
  AspectRatio aspect_ratio = AspectRatio::kStretch;
  bool exclude_outside = false;
  bool antialias = false;
  float cubic_coefficient = -0.75f;
  float extrapolation_value = 0.0f;
};

// `simple`: Upsample and Resize of opset 10, which know only "mode". ATTRIBUTE_INVALID.
Result<ResizeOptions> parse_resize(const Attributes& attributes, bool simple);

struct ResizeAxis {
  int64_t in = 0, out = 0;
  float scale = 1.0f;
  float extent = 0.0f;                     // of the output before it was rounded
  float roi_begin = 0.0f, roi_end = 1.0f;  // for kCropAndResize
};

class ResizeTable {
 public:
  // OUT_OF_MEMORY, LIMIT_EXCEEDED.
  static Result<ResizeTable> make(const ResizeOptions& options, const ResizeAxis& axis);
  // Every output element is the input element at its position.
  bool is_identity() const;
  const simd::Resampling& view() const { return view_; }

 private:
  simd::Resampling view_;
  Block indices_, weights_, outside_;
};

}  // namespace sardonyx::ops
