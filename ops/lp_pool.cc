// LpPool and GlobalLpPool: the p-norm of each window or plane; padding counts as zeros.
#include <cmath>

#include "ops/operator.h"
#include "ops/pool_shape.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "ops/window.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int kAxes = 3;
constexpr double kNsPerTap = 3.0;

// The exponent was a float in opset 1.
Result<float> exponent(const Attributes& attributes) {
  const float p = attributes.has("p")
                      ? attributes.get_float("p", static_cast<float>(attributes.get_int("p", 0)))
                      : 2.0f;
  if (p > 0 && std::isfinite(p)) return p;
  return error(ErrorCode::ATTRIBUTE_INVALID, "p is %g: not a positive number", double{p});
}

float raise(float x, float p) {
  const float magnitude = std::fabs(x);
  return p == 1 ? magnitude : p == 2 ? x * x : std::pow(magnitude, p);
}

float root(float sum, float p) {
  return p == 1 ? sum : p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / p);
}

// Over depth, height and width; missing axes have one element.
struct Geometry {
  int64_t in[kAxes] = {1, 1, 1}, out[kAxes] = {1, 1, 1}, kernel[kAxes] = {1, 1, 1};
  int64_t stride[kAxes] = {1, 1, 1}, dilation[kAxes] = {1, 1, 1}, pad[kAxes] = {0, 0, 0};

  // Calls fn(input index) for the taps of an axis inside the input.
  template <typename Fn>
  void for_each_tap(int axis, int64_t at, Fn&& fn) const {
    for (int64_t k = 0; k < kernel[axis]; ++k) {
      const int64_t i = at * stride[axis] - pad[axis] + k * dilation[axis];
      if (i >= 0 && i < in[axis]) fn(i);
    }
  }
};

Result<Geometry> geometry_of(const Attributes& attributes, const Shape& x, const Shape& y) {
  SX_ASSIGN(const Window window, parse_window(attributes, attributes.get_ints("kernel_shape")));
  Geometry g;
  for (int axis = 0; axis < window.axes; ++axis) {
    SX_ASSIGN(const WindowAxis placed, place_window(window, axis, x[axis + 2]));
    const auto from = static_cast<size_t>(axis);
    const int to = kAxes - window.axes + axis;
    g.in[to] = x[axis + 2];
    g.out[to] = y[axis + 2];
    g.kernel[to] = window.kernel[from];
    g.stride[to] = window.stride[from];
    g.dilation[to] = window.dilation[from];
    g.pad[to] = placed.pad_begin;
  }
  return g;
}

float pool(const Geometry& g, const float* x, int64_t at, float p) {
  float sum = 0;
  g.for_each_tap(0, at / (g.out[1] * g.out[2]), [&](int64_t i) {
    g.for_each_tap(1, at / g.out[2] % g.out[1], [&](int64_t j) {
      const float* row = x + (i * g.in[1] + j) * g.in[2];
      g.for_each_tap(2, at % g.out[2], [&](int64_t k) { sum += raise(row[k], p); });
    });
  });
  return root(sum, p);
}

Status run_lp_pool(const Attributes& attributes, const RunContext& context) {
  const TensorView &x = context.inputs[0], &y = context.outputs[0];
  if (y.elements() == 0) return {};
  SX_ASSIGN(const float p, exponent(attributes));
  SX_ASSIGN(const Geometry g, geometry_of(attributes, x.shape, y.shape));
  const int64_t in_plane = x.shape.product(2, x.shape.rank());
  const int64_t out_plane = y.shape.product(2, y.shape.rank());
  const double taps = static_cast<double>(g.kernel[0] * g.kernel[1] * g.kernel[2]);
  return simd::parallel_for(y.elements(), simd::grain_for(kNsPerTap * taps),
                            [&](int64_t begin, int64_t end) {
                              for (int64_t i = begin; i < end; ++i) {
                                const float* plane = x.as<const float>() + i / out_plane * in_plane;
                                y.as<float>()[i] = pool(g, plane, i % out_plane, p);
                              }
                            });
}

Status run_global_lp_pool(const Attributes& attributes, const RunContext& context) {
  const TensorView &x = context.inputs[0], &y = context.outputs[0];
  SX_ASSIGN(const float p, exponent(attributes));
  const int64_t plane = x.shape.product(2, x.shape.rank());
  const auto grain = simd::grain_for(kNsPerTap * static_cast<double>(plane));
  return simd::parallel_for(y.elements(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* from = x.as<const float>() + i * plane;
      float sum = 0;
      for (int64_t k = 0; k < plane; ++k) sum += raise(from[k], p);
      y.as<float>()[i] = root(sum, p);
    }
  });
}

Result<KernelPtr> make_floats(const KernelInit& init) {
  return stateless(init, run_lp_pool);
}
Result<KernelPtr> make_global_floats(const KernelInit& init) {
  return stateless(init, run_global_lp_pool);
}

}  // namespace

Status infer_lp_pool(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_float(context, 0));
  SX_TRY(exponent(context.attributes).take_status());
  SX_ASSIGN(const Window window,
            parse_window(context.attributes, context.attributes.get_ints("kernel_shape")));
  return set_pooled_output(context, window);
}
Result<KernelPtr> make_lp_pool(const KernelInit& init) {
  return widened(init, make_floats);
}

Status infer_global_lp_pool(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_float(context, 0));
  SX_TRY(exponent(context.attributes).take_status());
  return set_global_pool_output(context);
}
Result<KernelPtr> make_global_lp_pool(const KernelInit& init) {
  return widened(init, make_global_floats);
}

}  // namespace sardonyx::ops
