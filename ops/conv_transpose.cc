// ConvTranspose: each input element, times the filters, is added into a window of the output.
#include <algorithm>

#include "base/checked.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/transposed_window.h"
#include "ops/widened.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kW = 1, kB = 2;
constexpr int kAxes = 3;
constexpr double kNsPerMultiplyAdd = 0.7;

// Over depth, height and width; missing axes have one element.
struct Geometry {
  int64_t images = 0, channels = 0, filters = 0, groups = 1;
  int64_t in[kAxes] = {1, 1, 1}, out[kAxes] = {1, 1, 1}, kernel[kAxes] = {1, 1, 1};
  int64_t stride[kAxes] = {1, 1, 1}, dilation[kAxes] = {1, 1, 1}, pad[kAxes] = {0, 0, 0};

  int64_t in_plane() const { return in[0] * in[1] * in[2]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t group_filters() const { return filters / groups; }
  int64_t group_channels() const { return channels / groups; }
};

// The input element that tap `tap` adds to output element `at` of an axis; -1: there is none.
int64_t source(const Geometry& g, int axis, int64_t at, int64_t tap) {
  const int64_t scaled = at + g.pad[axis] - tap * g.dilation[axis];
  if (scaled < 0 || scaled % g.stride[axis] != 0) return -1;
  const int64_t i = scaled / g.stride[axis];
  return i < g.in[axis] ? i : -1;
}

// out += weight * x, spread along a row of the output.
void add_row(const Geometry& g, const float* x, float weight, int64_t tap, float* out) {
  const int64_t offset = tap * g.dilation[2] - g.pad[2];
  for (int64_t i = 0; i < g.in[2]; ++i) {
    const int64_t at = i * g.stride[2] + offset;
    if (at >= 0 && at < g.out[2]) out[at] += weight * x[i];
  }
}

// Row `row` of output plane `plane`, that is image and filter.
void compute_row(const Geometry& g, const float* x, const float* w, const float* bias,
                 int64_t plane, int64_t row, float* out) {
  const int64_t filter = plane % g.filters, image = plane / g.filters;
  const int64_t group = filter / g.group_filters();
  std::fill_n(out, g.out[2], bias ? bias[filter] : 0.0f);
  for (int64_t c = 0; c < g.group_channels(); ++c) {
    const int64_t channel = group * g.group_channels() + c;
    const float* from = x + (image * g.channels + channel) * g.in_plane();
    const float* weights =
        w + (channel * g.group_filters() + filter % g.group_filters()) * g.taps();
    for (int64_t i = 0; i < g.kernel[0]; ++i) {
      const int64_t depth = source(g, 0, row / g.out[1], i);
      if (depth < 0) continue;
      for (int64_t j = 0; j < g.kernel[1]; ++j) {
        const int64_t height = source(g, 1, row % g.out[1], j);
        if (height < 0) continue;
        for (int64_t k = 0; k < g.kernel[2]; ++k) {
          add_row(g, from + (depth * g.in[1] + height) * g.in[2],
                  weights[(i * g.kernel[1] + j) * g.kernel[2] + k], k, out);
        }
      }
    }
  }
}

Result<Geometry> geometry_of(const Attributes& attributes, std::span<const TensorView> inputs,
                             const Shape& y) {
  const Shape& x = inputs[kX].shape;
  const Shape& w = inputs[kW].shape;
  SX_ASSIGN(const TransposedWindow window,
            parse_transposed_window(attributes, w.dims().subspan(2)));
  Geometry g;
  g.images = x[0];
  g.channels = x[1];
  g.filters = y[1];
  g.groups = attributes.get_int("group", 1);
  for (int axis = 0; axis < window.window.axes; ++axis) {
    SX_ASSIGN(const WindowAxis placed, place_transposed(window, axis, x[axis + 2]));
    const auto from = static_cast<size_t>(axis);
    const int to = kAxes - window.window.axes + axis;
    g.in[to] = x[axis + 2];
    g.out[to] = y[axis + 2];
    g.kernel[to] = window.window.kernel[from];
    g.stride[to] = window.window.stride[from];
    g.dilation[to] = window.window.dilation[from];
    g.pad[to] = placed.pad_begin;
  }
  return g;
}

Status run_conv_transpose(const Attributes& attributes, const RunContext& context) {
  const TensorView& y = context.outputs[0];
  if (y.elements() == 0) return {};
  SX_ASSIGN(const Geometry g, geometry_of(attributes, context.inputs, y.shape));
  const float* x = context.inputs[kX].as<const float>();
  const float* w = context.inputs[kW].as<const float>();
  const float* bias = context.has_input(kB) ? context.inputs[kB].as<const float>() : nullptr;
  const int64_t rows = g.out[0] * g.out[1];
  const double work = static_cast<double>(g.group_channels() * g.taps() * g.in[2]) *
                      static_cast<double>(g.in[1]) / static_cast<double>(g.out[1]);
  const int64_t grain = simd::grain_for(kNsPerMultiplyAdd * work + 20);
  return simd::parallel_for(g.images * g.filters * rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      compute_row(g, x, w, bias, i / rows, i % rows, y.as<float>() + i * g.out[2]);
    }
  });
}

// --- shape rule ----------------------------------------------------------------------------------

Status check_shapes(const InferContext& context, int64_t groups) {
  const Shape& x = context.inputs[kX].shape;
  const Shape& w = context.inputs[kW].shape;
  const bool ranks_fit = x.rank() >= 3 && x.rank() == w.rank() && x.rank() - 2 <= kAxes;
  const bool channels_fit = ranks_fit && (x[1] < 0 || w[0] < 0 || x[1] == w[0]) &&
                            (w[0] < 0 || w[0] % groups == 0) && w[1] != 0;
  if (!channels_fit) {
    return error(ErrorCode::SHAPE_MISMATCH, "an input of shape %s with weights %s in %lld groups",
                 x.to_string().c_str(), w.to_string().c_str(), static_cast<long long>(groups));
  }
  if (!context.has_input(kB) || !context.inputs[kB].has_shape) return {};
  const Shape& bias = context.inputs[kB].shape;
  const auto filters = w[1] < 0 ? std::nullopt : checked_mul(w[1], groups);
  if (bias.rank() == 1 && (bias[0] < 0 || !filters || bias[0] == *filters)) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "a bias of shape %s with weights %s",
               bias.to_string().c_str(), w.to_string().c_str());
}

Status check_kernel_shape(const Attributes& attributes, const Shape& w) {
  const auto given = attributes.get_ints("kernel_shape");
  bool fits = given.empty() || given.size() == static_cast<size_t>(w.rank() - 2);
  for (size_t i = 0; i < given.size() && fits; ++i) {
    const int64_t dim = w[static_cast<int>(i) + 2];
    fits = dim < 0 || dim == given[i];
  }
  if (fits) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "kernel_shape does not fit weights %s",
               w.to_string().c_str());
}

Result<KernelPtr> make_floats(const KernelInit& init) {
  return stateless(init, run_conv_transpose);
}

}  // namespace

Status infer_conv_transpose(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  for (size_t i = 0; i < 3; ++i) SX_TRY(check_float(context, i));
  const int64_t groups = context.attributes.get_int("group", 1);
  if (groups < 1 || groups > INT32_MAX) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "group %lld", static_cast<long long>(groups));
  }
  context.set_output_unknown(0, context.inputs[kX].dtype);
  if (!context.inputs[kX].has_shape || !context.inputs[kW].has_shape) return {};
  SX_TRY(check_shapes(context, groups));
  const Shape& x = context.inputs[kX].shape;
  const Shape& w = context.inputs[kW].shape;
  SX_TRY(check_kernel_shape(context.attributes, w));
  Shape out;
  out.resize(x.rank(), kUnknownDim);
  out[0] = x[0];
  if (w[1] >= 0) {
    const auto filters = checked_mul(w[1], groups);
    if (!filters) return error(ErrorCode::LIMIT_EXCEEDED, "the number of filters overflows");
    out[1] = *filters;
  }
  const auto kernel = w.dims().subspan(2);
  if (std::all_of(kernel.begin(), kernel.end(), [](int64_t dim) { return dim >= 0; })) {
    SX_ASSIGN(const TransposedWindow window, parse_transposed_window(context.attributes, kernel));
    for (int axis = 0; axis < window.window.axes; ++axis) {
      SX_ASSIGN(const WindowAxis placed, place_transposed(window, axis, x[axis + 2]));
      out[axis + 2] = placed.out;
    }
  }
  context.set_output(0, context.inputs[kX].dtype, out);
  return {};
}

Result<KernelPtr> make_conv_transpose(const KernelInit& init) {
  return widened(init, make_floats);
}

}  // namespace sardonyx::ops
