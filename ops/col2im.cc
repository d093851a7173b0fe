// Col2Im: columns of blocks, as convolutions make them of images, added back into an image.
#include <algorithm>
#include <vector>

#include "base/checked.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "ops/window.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kImage = 1, kBlock = 2;
constexpr double kNsPerElement = 4.0;

// How blocks lie in an image.
struct Geometry {
  Window window;
  Window::Axes image{}, steps{};  // extents, and how many blocks fit along an axis
  int64_t taps = 1, blocks = 1;
};

Result<Geometry> geometry_of(const Attributes& attributes, const IntList& image,
                             const IntList& block) {
  Geometry g;
  if (image.size() != block.size()) {
    return error(ErrorCode::SHAPE_MISMATCH, "an image of %d axes with blocks of %d", image.size(),
                 block.size());
  }
  SX_ASSIGN(g.window, parse_window(attributes, {block.begin(), block.end()}));
  for (int axis = 0; axis < g.window.axes; ++axis) {
    const auto i = static_cast<size_t>(axis);
    if (image[axis] < 0 || image[axis] > INT32_MAX) {
      return error(ErrorCode::VALUE_RANGE, "an image extent of %lld",
                   static_cast<long long>(image[axis]));
    }
    g.image[i] = image[axis];
    SX_ASSIGN(const WindowAxis placed, place_window(g.window, axis, image[axis]));
    g.steps[i] = placed.out;
    const auto taps = checked_mul(g.taps, g.window.kernel[i]);
    const auto blocks = checked_mul(g.blocks, placed.out);
    if (!taps || !blocks) return error(ErrorCode::LIMIT_EXCEEDED, "the blocks are too many");
    g.taps = *taps;
    g.blocks = *blocks;
  }
  return g;
}

// Adds the blocks of one tap to the plane of an image.
void add_tap(const Geometry& g, int64_t tap, const float* x, float* y) {
  for (int64_t block = 0; block < g.blocks; ++block) {
    int64_t rest = block, tap_rest = tap, offset = 0, stride = 1;
    bool inside = true;
    for (int axis = g.window.axes - 1; axis >= 0 && inside; --axis) {
      const auto i = static_cast<size_t>(axis);
      const int64_t at = rest % g.steps[i] * g.window.stride[i] - g.window.pad_begin[i] +
                         tap_rest % g.window.kernel[i] * g.window.dilation[i];
      inside = at >= 0 && at < g.image[i];
      offset += at * stride;
      stride *= g.image[i];
      rest /= g.steps[i];
      tap_rest /= g.window.kernel[i];
    }
    if (inside) y[offset] += x[block];
  }
}

Status run_col2im(const Attributes& attributes, const RunContext& context) {
  const TensorView &x = context.inputs[kX], &y = context.outputs[0];
  if (y.elements() == 0) return {};
  SX_ASSIGN(const IntList image, int_list(context.inputs[kImage]));
  SX_ASSIGN(const IntList block, int_list(context.inputs[kBlock]));
  SX_ASSIGN(const Geometry g, geometry_of(attributes, image, block));
  const int64_t plane = y.shape.product(2, y.shape.rank());
  const int64_t planes = y.shape[0] * y.shape[1];
  if (x.shape[2] != g.blocks || x.shape[1] != y.shape[1] * g.taps ||
      plane !=
          Shape({g.image.data(), static_cast<size_t>(g.window.axes)}).product(0, g.window.axes)) {
    return error(ErrorCode::INTERNAL, "the image has changed since the shape was computed");
  }
  const auto grain =
      simd::grain_for(kNsPerElement * static_cast<double>(g.taps) * static_cast<double>(g.blocks));
  return simd::parallel_for(planes, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* to = y.as<float>() + i * plane;
      std::fill_n(to, plane, 0.0f);
      const float* from = x.as<const float>() + i * g.taps * g.blocks;
      for (int64_t tap = 0; tap < g.taps; ++tap) add_tap(g, tap, from + tap * g.blocks, to);
    }
  });
}

Result<KernelPtr> make_floats(const KernelInit& init) {
  return stateless(init, run_col2im);
}

}  // namespace

Status infer_col2im(InferContext& context) {
  SX_TRY(check_arity(context, 3, 3));
  SX_TRY(check_numeric(context, kX));
  const ValueFacts& x = context.inputs[kX];
  SX_ASSIGN(const std::optional<IntList> image, known_ints(context, kImage));
  SX_ASSIGN(const std::optional<IntList> block, known_ints(context, kBlock));
  context.set_output_unknown(0, x.dtype);
  if (x.has_shape && x.shape.rank() != 3) {
    return error(ErrorCode::SHAPE_MISMATCH, "an input of shape %s", x.shape.to_string().c_str());
  }
  if (!image || !block || !x.has_shape) return {};
  SX_ASSIGN(const Geometry g, geometry_of(context.attributes, *image, *block));
  const bool fits =
      (x.shape[1] < 0 || x.shape[1] % g.taps == 0) && (x.shape[2] < 0 || x.shape[2] == g.blocks);
  if (!fits) {
    return error(ErrorCode::SHAPE_MISMATCH, "an input of shape %s for %lld blocks of %lld elements",
                 x.shape.to_string().c_str(), static_cast<long long>(g.blocks),
                 static_cast<long long>(g.taps));
  }
  Shape out{x.shape[0], x.shape[1] < 0 ? kUnknownDim : x.shape[1] / g.taps};
  for (int64_t extent : *image) out.push_back(extent);
  context.set_output(0, x.dtype, out);
  return {};
}

Result<KernelPtr> make_col2im(const KernelInit& init) {
  return widened(init, make_floats);
}

}  // namespace sardonyx::ops
