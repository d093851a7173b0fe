#include "ops/requantization.h"

#include <algorithm>
#include <cmath>

#include "ops/activation.h"
#include "ops/quantization.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

TensorView input_or_absent(const RunContext& context, size_t i) {
  return context.has_input(i) ? context.inputs[i] : TensorView();
}

// The codes that are left between the activation's bounds.
void clamp_range(const simd::Activation& activation, float scale, simd::QuantizedRange& range) {
  const simd::ClampBounds bounds = simd::clamp_bounds(activation);
  const auto code = [&](float bound) {
    const float step = std::nearbyint(bound / scale) + static_cast<float>(range.zero);
    return static_cast<int32_t>(
        std::clamp(step, static_cast<float>(range.low), static_cast<float>(range.high)));
  };
  // Above the upper bound everything is that bound, as Clip does.
  const int32_t low = code(bounds.low), high = code(bounds.high);
  range.low = std::min(low, high);
  range.high = high;
}

// From scales of w to factors of the sums, and from a float bias, which may be null, to what is
// added to them afterwards: a whole number of steps where the bias was quantized in steps of the
// sums.
void scale_columns(int64_t columns, double x_scale, double y_scale, const float* given,
                   float* scale, float* bias) {
  constexpr double kWhole = 0.01;
  for (int64_t i = 0; i < columns; ++i) {
    const double step = x_scale * double{scale[i]};
    scale[i] = static_cast<float>(step / y_scale);
    if (!given) continue;
    const double steps = double{given[i]} / step, whole = std::nearbyint(steps);
    const bool on_grid = std::fabs(steps - whole) < kWhole;
    bias[i] = static_cast<float>(on_grid ? whole : steps) * scale[i];
  }
}

}  // namespace

Status check_integer_inputs(const InferContext& context, const IntegerInputs& at,
                            const IntegerEnding& ending, int64_t x_zeros, int64_t columns,
                            DType& dtype) {
  for (size_t i : {at.x, at.w}) SX_TRY(check_dtype(context, i, {DType::kUint8, DType::kInt8}));
  const DType x = context.inputs[at.x].dtype, w = context.inputs[at.w].dtype;
  SX_TRY(check_quantization(context, at.x_scale, kNoInput, x, 1));
  SX_TRY(check_quantization(context, kNoInput, at.x_zero, x, x_zeros));
  SX_TRY(check_quantization(context, at.w_scale, at.w_zero, w, columns));
  dtype = at.gives_floats() ? DType::kFloat32 : DType::kInt32;
  if (at.gives_floats()) {
    for (size_t i : {at.x_scale, at.w_scale, at.bias}) {
      SX_TRY(check_dtype(context, i, {DType::kFloat32}));
    }
  }
  if (!at.gives_bytes()) return {};
  dtype = context.has_input(at.y_zero) ? context.inputs[at.y_zero].dtype : DType::kUint8;
  if (dtype != DType::kUint8 && dtype != DType::kInt8) return unsupported_dtype(dtype);
  SX_TRY(check_quantization(context, at.y_scale, at.y_zero, dtype, 1));
  return check_dtype(context, at.bias, {ending.like_float ? DType::kFloat32 : DType::kInt32});
}

Status check_fused_product(const InferContext& context, const IntegerInputs& at) {
  SX_TRY(check_arity(context, 2, at.bias + 1));
  for (size_t i : {at.w, at.w_scale, at.gives_bytes() ? at.y_scale : at.x_scale}) {
    if (!context.has_input(i)) {
      return error(ErrorCode::GRAPH_INPUT_MISSING, "input %zu is required", i);
    }
  }
  return {};
}

Result<simd::Activation> monotone_activation(const Attributes& attributes) {
  SX_ASSIGN(const simd::Activation activation, parse_activation(attributes));
  const bool leaks = activation.kind == simd::ActivationKind::kLeakyRelu;
  const bool clamps =
      simd::is_clamp(activation.kind) && !std::isnan(activation.a) && !std::isnan(activation.b);
  if (clamps || (leaks && activation.a >= 0 && activation.a <= 1)) return activation;
  return error(ErrorCode::ATTRIBUTE_INVALID,
               "the activation of a quantized product must be a clamp, or a LeakyRelu of a slope "
               "from 0 to 1");
}

Status check_integer_depth(std::optional<int64_t> depth) {
  if (depth && *depth <= simd::kIntegerDepthLimit) return {};
  return error(ErrorCode::LIMIT_EXCEEDED,
               "sums of more than %lld products of 8-bit integers may overflow",
               static_cast<long long>(simd::kIntegerDepthLimit));
}

simd::ByteMatrix byte_matrix(const TensorView& tensor) {
  return {tensor.as<const uint8_t>(), tensor.dtype == DType::kInt8};
}

Status check_constant_scales(const KernelInit& init, const IntegerInputs& at) {
  if (!at.gives_bytes()) return {};
  for (size_t i : {at.x_scale, at.w_scale, at.y_scale}) SX_TRY(check_constant_scale(init, i));
  return {};
}

Status IntegerColumns::place(int64_t columns, int64_t padded, ScratchLayout& scratch) {
  columns_ = columns;
  padded_ = padded;
  SX_ASSIGN(first_, scratch.add(padded, sizeof(int32_t)));
  SX_ASSIGN(scale_, scratch.add(padded, sizeof(float)));
  SX_ASSIGN(bias_, scratch.add(padded, sizeof(float)));
  return {};
}

Status IntegerColumns::fill(const RunContext& context, const IntegerInputs& at,
                            const IntegerEnding& ending, Backing& backing,
                            simd::IntegerOutput& output) const {
  auto* first = reinterpret_cast<int32_t*>(context.scratch + first_);
  std::fill_n(first, padded_, 0);
  output = {.data = context.outputs[0].data, .first = first};
  if (at.gives_floats()) {
    fill_scaling(context, at, backing.scaling);
    output.scaling = &backing.scaling;
  }
  if (!at.gives_bytes()) return {};
  output.quantize = &backing.quantize;
  return fill_quantize(context, at, ending, first, backing.quantize);
}

Status IntegerColumns::fill_quantize(const RunContext& context, const IntegerInputs& at,
                                     const IntegerEnding& ending, int32_t* first,
                                     simd::Requantization& quantize) const {
  auto* scale = reinterpret_cast<float*>(context.scratch + scale_);
  auto* bias = reinterpret_cast<float*>(context.scratch + bias_);
  std::fill_n(scale, padded_, 0.0f);
  std::fill_n(bias, padded_, 0.0f);
  float x_scale = 0, y_scale = 0;
  int32_t y_zero = 0;
  SX_TRY(read_scales(context.inputs[at.x_scale], 1, &x_scale));
  SX_TRY(read_scales(context.inputs[at.y_scale], 1, &y_scale));
  SX_TRY(read_zeros(input_or_absent(context, at.y_zero), 1, &y_zero));
  SX_TRY(read_scales(context.inputs[at.w_scale], columns_, scale));
  const TensorView given = input_or_absent(context, at.bias);
  if (ending.like_float) {
    const float* floats = given.present() ? given.as<const float>() : nullptr;
    scale_columns(columns_, x_scale, y_scale, floats, scale, bias);
  } else {
    for (int64_t i = 0; i < columns_; ++i) scale[i] = x_scale * scale[i] / y_scale;
    if (given.present()) {
      copy_bytes(first, given.data, static_cast<size_t>(columns_) * sizeof(int32_t));
    }
  }
  quantize = {.scale = scale, .bias = bias, .range = full_range(context.outputs[0].dtype, y_zero)};
  clamp_range(ending.activation, y_scale, quantize.range);
  if (ending.activation.kind == simd::ActivationKind::kLeakyRelu) {
    quantize.slope = ending.activation.a;
  }
  return {};
}

// Any scale will do: the operators that this stands for multiply by it.
void IntegerColumns::fill_scaling(const RunContext& context, const IntegerInputs& at,
                                  simd::FloatScaling& scaling) const {
  auto* scale = reinterpret_cast<float*>(context.scratch + scale_);
  auto* bias = reinterpret_cast<float*>(context.scratch + bias_);
  const float x_scale = *context.inputs[at.x_scale].as<const float>();
  const TensorView given = context.inputs[at.w_scale], added = input_or_absent(context, at.bias);
  const float* w_scale = given.as<const float>();
  const int64_t step = given.elements() == 1 ? 0 : 1;
  for (int64_t i = 0; i < columns_; ++i) scale[i] = x_scale * w_scale[i * step];
  std::fill(scale + columns_, scale + padded_, 0.0f);
  if (added.present()) {
    copy_bytes(bias, added.data, static_cast<size_t>(columns_) * sizeof(float));
  } else {
    std::fill_n(bias, columns_, -0.0f);  // adds nothing to any float
  }
  std::fill(bias + columns_, bias + padded_, 0.0f);
  scaling = {scale, bias};
}

}  // namespace sardonyx::ops
