// LayerNormalization and RMSNormalization, which is also SimplifiedLayerNormalization, over the
// last axes.
#include <cmath>

#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/elementwise.h"
#include "simd/parallel.h"
#include "simd/reduce.h"

namespace sardonyx::ops {
namespace {

constexpr double kNsPerElement = 1.0;

// float32 rows of `length` elements.
struct Rows {
  int64_t count = 0, length = 0;
  bool centered = true;  // false: only divided by the root mean square
  float epsilon = 0;
  const float *x = nullptr, *scale = nullptr, *bias = nullptr;  // bias may be null
  bool one_scale = false, one_bias = false;                     // the same for all elements
  float *y = nullptr, *mean = nullptr, *inverse = nullptr;      // the last two may be null
};

void normalize_row(const Rows& rows, int64_t row) {
  const int64_t n = rows.length;
  const float* x = rows.x + row * n;
  float* y = rows.y + row * n;
  const auto count = static_cast<float>(n);
  float mean = 0;
  if (rows.centered) {
    mean = simd::reduce_sum(x, n) / count;
    simd::scale_offset(x, 1.0f, -mean, y, n);
    x = y;
  }
  const float variance = simd::reduce_sum_squares(x, n) / count;
  const float inverse = 1.0f / std::sqrt(variance + rows.epsilon);
  if (rows.mean) rows.mean[row] = mean;
  if (rows.inverse) rows.inverse[row] = inverse;
  simd::scale_offset(x, inverse, 0.0f, y, n);
  simd::binary(simd::BinaryKind::kMul, {y, false}, {rows.scale, rows.one_scale}, y, n);
  if (rows.bias) {
    simd::binary(simd::BinaryKind::kAdd, {y, false}, {rows.bias, rows.one_bias}, y, n);
  }
}

Status normalize(const Rows& rows) {
  if (rows.length == 0) return {};
  const auto grain = simd::grain_for(kNsPerElement * static_cast<double>(rows.length));
  return simd::parallel_for(rows.count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) normalize_row(rows, row);
  });
}

Result<int> norm_axis(const Attributes& attributes, const Shape& shape) {
  return check_axis(attributes.get_int("axis", -1), shape.rank());
}

class NormKernel final : public Kernel {
 public:
  NormKernel(const Attributes& attributes, bool centered)
      : attributes_(attributes), centered_(centered) {}

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[0];
    SX_ASSIGN(const int axis, norm_axis(attributes_, x.shape));
    Rows rows;
    rows.count = x.shape.product(0, axis);
    rows.length = x.shape.product(axis, x.shape.rank());
    rows.centered = centered_;
    rows.epsilon = attributes_.get_float("epsilon", 1e-5f);
    rows.one_scale = context.inputs[1].elements() == 1;
    rows.one_bias = context.has_input(2) && context.inputs[2].elements() == 1;
    // Without a mean, output 1 is the inverse.
    const size_t inverse = centered_ ? 2 : 1;
    if (centered_ && context.has_output(1)) rows.mean = context.outputs[1].as<float>();
    if (context.has_output(inverse)) rows.inverse = context.outputs[inverse].as<float>();
    rows.x = x.as<const float>();
    rows.scale = context.inputs[1].as<const float>();
    rows.bias = context.has_input(2) ? context.inputs[2].as<const float>() : nullptr;
    rows.y = context.outputs[0].as<float>();
    return normalize(rows);
  }
  std::string_view name() const override { return centered_ ? "layer_norm" : "rms_norm"; }

 private:
  const Attributes& attributes_;
  bool centered_;
};

// Scale and bias have the shape of the normalised axes, or one element.
Status check_factor(const InferContext& context, size_t input, int axis) {
  if (!context.has_input(input)) return {};
  SX_TRY(check_same_dtype(context, 0, input));
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& factor = context.inputs[input];
  if (!factor.is_static() || factor.shape.elements() == 1) return {};
  const int rank = x.shape.rank() - axis;
  const int extra = factor.shape.rank() - rank;
  bool fits = extra >= 0;
  for (int i = 0; i < factor.shape.rank() && fits; ++i) {
    const int64_t wanted = i < extra ? 1 : x.shape[axis + i - extra];
    fits = wanted < 0 || factor.shape[i] == wanted;
  }
  if (fits) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "input %zu has shape %s, the axes to normalise are %s",
               input, factor.shape.to_string().c_str(),
               Shape(x.shape.dims().subspan(static_cast<size_t>(axis))).to_string().c_str());
}

Status infer_norm(InferContext& context, size_t max_inputs, size_t max_outputs) {
  SX_TRY(check_arity(context, 2, max_inputs, max_outputs));
  SX_TRY(check_float(context, 0));
  const ValueFacts& x = context.inputs[0];
  if (context.attributes.get_int("stash_type", 1) != 1) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'stash_type' is not 1 (float32)");
  }
  SX_TRY(same_as_input(context));
  for (size_t i = 1; i < context.outputs.size(); ++i) {
    context.set_output_unknown(i, DType::kFloat32);
  }
  if (!x.has_shape) return {};
  SX_ASSIGN(const int axis, norm_axis(context.attributes, x.shape));
  SX_TRY(check_factor(context, 1, axis));
  SX_TRY(check_factor(context, 2, axis));
  Shape statistics = x.shape;
  for (int i = axis; i < statistics.rank(); ++i) statistics[i] = 1;
  for (size_t i = 1; i < context.outputs.size(); ++i) {
    context.set_output(i, DType::kFloat32, statistics);
  }
  return {};
}

template <bool kCentered>
Result<KernelPtr> make_floats(const KernelInit& init) {
  return KernelPtr(std::make_unique<NormKernel>(init.attributes, kCentered));
}

}  // namespace

Status infer_layer_norm(InferContext& context) {
  return infer_norm(context, 3, 3);
}
Status infer_rms_norm(InferContext& context) {
  return infer_norm(context, 2, 1);
}

Status infer_simplified_layer_norm(InferContext& context) {
  return infer_norm(context, 2, 2);
}

Result<KernelPtr> make_layer_norm(const KernelInit& init) {
  return widened(init, make_floats<true>);
}
Result<KernelPtr> make_rms_norm(const KernelInit& init) {
  return widened(init, make_floats<false>);
}
Result<KernelPtr> make_simplified_layer_norm(const KernelInit& init) {
  return make_rms_norm(init);
}

}  // namespace sardonyx::ops
