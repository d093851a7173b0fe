// Operators of the first opsets that never became part of the standard but are in early exports.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/functions/function_body.h"

namespace sardonyx::functions {
namespace {

ValueId times(FunctionBody& body, ValueId x, const char* factor, float fallback) {
  const float value = body.attributes().get_float(factor, fallback);
  return body.op("Mul", {x, body.scalar(body.dtype(0), value)});
}

}  // namespace

// alpha * x + beta
Status expand_affine(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  const float beta = body.attributes().get_float("beta", 0.0f);
  const ValueId scaled = times(body, body.input(0), "alpha", 1.0f);
  body.output(0, body.op("Add", {scaled, body.scalar(body.dtype(0), beta)}));
  return {};
}

// scale * x + bias, a bias per channel.
Status expand_image_scaler(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  const auto bias = body.attributes().get_floats("bias");
  ValueId y = times(body, body.input(0), "scale", 1.0f);
  if (!bias.empty()) {
    const Shape shape{static_cast<int64_t>(bias.size()), 1, 1};
    y = body.op("Add", {y, body.floats(body.dtype(0), shape, bias)});
  }
  body.output(0, y);
  return {};
}

// alpha * tanh(beta * x), and alpha * log(1 + exp(beta * x)).
Status expand_scaled_tanh(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  const ValueId inner = times(body, body.input(0), "beta", 1.0f);
  body.output(0, times(body, body.op("Tanh", {inner}), "alpha", 1.0f));
  return {};
}
Status expand_parametric_softplus(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  const ValueId inner = times(body, body.input(0), "beta", 1.0f);
  body.output(0, times(body, body.op("Softplus", {inner}), "alpha", 1.0f));
  return {};
}

// Cuts the border (left, top, right, bottom) off images, or, with a scale (height, width), keeps
// that much right and below of left and top.
Status expand_crop(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  const auto border = body.attributes().get_ints("border");
  const auto scale = body.attributes().get_ints("scale");
  constexpr int64_t kMost = int64_t{1} << 24;
  const auto fits = [](std::span<const int64_t> values) {
    return std::all_of(values.begin(), values.end(),
                       [](int64_t v) { return v >= 0 && v <= kMost; });
  };
  if (border.size() != 4 || (!scale.empty() && scale.size() != 2) || !fits(border) ||
      !fits(scale)) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "border or scale is not what Crop takes");
  }
  std::vector<int64_t> ends;
  for (size_t i = 0; i < 2; ++i) {
    const int64_t begin = border[1 - i], end = border[3 - i];
    ends.push_back(!scale.empty() ? begin + scale[i] : end == 0 ? INT64_MAX : -end);
  }
  body.output(0, body.op("Slice", {body.input(0), body.ints({border[1], border[0]}),
                                   body.ints(ends), body.ints({2, 3})}));
  return {};
}

// Upsample with the scales of height and width as attributes.
Status expand_first_upsample(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  const std::vector<float> scales{1, 1, body.attributes().get_float("height_scale", 1.0f),
                                  body.attributes().get_float("width_scale", 1.0f)};
  Attributes attributes;
  const bool nearest = body.attributes().get_string("mode", "nearest") == "nearest";
  attributes.set("mode", std::string(nearest ? "nearest" : "linear"));
  attributes.set("coordinate_transformation_mode", std::string("asymmetric"));
  attributes.set("nearest_mode", std::string("floor"));
  const ValueId given = body.floats(DType::kFloat32, {4}, scales);
  body.output(0, body.op("Resize", {body.input(0), kNoValue, given}, std::move(attributes)));
  return {};
}

}  // namespace sardonyx::functions
