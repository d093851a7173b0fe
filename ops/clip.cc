// Clip: bounds as attributes until opset 6, as inputs since 11.
#include <algorithm>
#include <limits>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/unary_map.h"

namespace sardonyx::ops {
namespace {

using P = const UnaryParams&;

constexpr UnarySpec kClip = {
    .name = "clip",
    .f32 = simd_map<simd::UnaryKind::kClip>,
    .f64 =
        [](double x, P p) {
          x = x < p.a ? p.a : x;
          return x > p.b ? p.b : x;
        },
    .i64 = [](int64_t x, P p) { return std::min(std::max(x, p.low), p.high); },
    .u64 =
        [](uint64_t x, P p) {
          return std::min(std::max(x, static_cast<uint64_t>(p.low)), static_cast<uint64_t>(p.high));
        }};

constexpr int kBoundsAreInputs = 11;

// A bound is kept in the type that the elements are computed in.
void read_bound(const TensorView& bound, double& as_float, int64_t& as_int) {
  if (compute_dtype(bound.dtype) == DType::kInt64 || bound.dtype == DType::kUint64) {
    convert(DType::kInt64, &as_int, bound.dtype, bound.data, 1, 1);
  } else {
    convert(DType::kFloat64, &as_float, bound.dtype, bound.data, 1, 1);
  }
}

class ClipKernel final : public Kernel {
 public:
  explicit ClipKernel(P p) : defaults_(p) {}

  Status run(const RunContext& context) const override {
    UnaryParams p = defaults_;
    if (context.inputs[0].dtype == DType::kUint64) p.low = 0, p.high = -1;
    for (size_t i : {size_t{1}, size_t{2}}) {
      if (!context.has_input(i)) continue;
      if (context.inputs[i].elements() != 1) {
        return error(ErrorCode::SHAPE_MISMATCH, "input %zu has shape %s: one bound is wanted", i,
                     context.inputs[i].shape.to_string().c_str());
      }
      read_bound(context.inputs[i], i == 1 ? p.a : p.b, i == 1 ? p.low : p.high);
    }
    return apply_unary(kClip, p, context.inputs[0], context.outputs[0]);
  }
  std::string_view name() const override { return kClip.name; }

 private:
  UnaryParams defaults_;
};

}  // namespace

Status infer_clip(InferContext& context) {
  const bool inputs = context.opset >= kBoundsAreInputs;
  SX_TRY(check_arity(context, 1, inputs ? 3 : 1));
  SX_TRY(check_unary_dtype(kClip, context.inputs[0].dtype));
  for (size_t i : {size_t{1}, size_t{2}}) {
    SX_TRY(check_same_dtype(context, 0, i));
    if (!context.has_input(i) || !context.inputs[i].is_static()) continue;
    if (context.inputs[i].shape.elements() != 1) {
      return error(ErrorCode::SHAPE_MISMATCH, "input %zu has shape %s: one bound is wanted", i,
                   context.inputs[i].shape.to_string().c_str());
    }
  }
  return same_as_input(context);
}

Result<KernelPtr> make_clip(const KernelInit& init) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  UnaryParams p{.a = -kInfinity, .b = kInfinity};
  if (init.opset < kBoundsAreInputs) {
    constexpr float kLargest = std::numeric_limits<float>::max();
    p.a = init.attributes.get_float("min", -kLargest);
    p.b = init.attributes.get_float("max", kLargest);
  }
  return KernelPtr(std::make_unique<ClipKernel>(p));
}

}  // namespace sardonyx::ops
