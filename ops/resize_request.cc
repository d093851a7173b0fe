#include "ops/resize_request.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace sardonyx::ops {
namespace {

using AspectRatio = ResizeOptions::AspectRatio;
using Coordinates = ResizeOptions::Coordinates;

constexpr ResizeArity kUpsample7{.inputs = 1};
constexpr ResizeArity kTwoInputs{.scales = 1, .inputs = 2};
constexpr ResizeArity kResize11{.roi = 1, .scales = 2, .sizes = 3, .inputs = 4, .simple = false};

Result<std::vector<float>> floats(const TensorView& view, int most) {
  if (view.dtype != DType::kFloat32) return unsupported_dtype(view.dtype);
  const int64_t count = view.elements();
  if (view.shape.rank() > 1 || count > most) {
    return error(ErrorCode::SHAPE_MISMATCH, "a parameter has shape %s",
                 view.shape.to_string().c_str());
  }
  const auto* data = view.as<const float>();
  return std::vector<float>(data, data + count);
}

Status wrong_count(const char* name, int64_t count, const IntList& axes) {
  return error(ErrorCode::SHAPE_MISMATCH, "%lld %s for %d axes", static_cast<long long>(count),
               name, axes.size());
}

Status read_scales(std::span<const float> scales, const IntList& axes, ResizeRequest& request) {
  if (static_cast<int>(scales.size()) != axes.size()) {
    return wrong_count("scales", static_cast<int64_t>(scales.size()), axes);
  }
  for (int i = 0; i < axes.size(); ++i) {
    const float scale = scales[static_cast<size_t>(i)];
    if (!(scale > 0.0f) || !std::isfinite(scale)) {
      return error(ErrorCode::VALUE_RANGE, "scale %g is not a positive number",
                   static_cast<double>(scale));
    }
    request.scale[static_cast<size_t>(axes[i])] = scale;
  }
  return {};
}

Status read_sizes(const IntList& sizes, const IntList& axes, ResizeRequest& request) {
  if (sizes.size() != axes.size()) return wrong_count("sizes", sizes.size(), axes);
  for (int i = 0; i < axes.size(); ++i) {
    if (sizes[i] < 0 || sizes[i] > INT32_MAX) {
      return error(ErrorCode::VALUE_RANGE, "size %lld", static_cast<long long>(sizes[i]));
    }
    request.size[static_cast<size_t>(axes[i])] = sizes[i];
  }
  return {};
}

// The factor that all named axes share when the aspect ratio is kept.
float shared_scale(const ResizeOptions& options, const ResizeRequest& request, const Shape& x) {
  const bool larger = options.aspect_ratio == AspectRatio::kNotSmaller;
  float shared = larger ? 0.0f : HUGE_VALF;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (!(request.axes >> axis & 1)) continue;
    const float scale = static_cast<float>(request.size[static_cast<size_t>(axis)]) /
                        static_cast<float>(std::max<int64_t>(x[axis], 1));
    shared = larger ? std::max(shared, scale) : std::min(shared, scale);
  }
  return shared;
}

}  // namespace

ResizeArity resize_arity(bool upsample, int opset) {
  if (upsample) return opset < 9 ? kUpsample7 : kTwoInputs;
  return opset < 11 ? kTwoInputs : kResize11;
}

Result<IntList> resize_axes(const Attributes& attributes, int rank) {
  SX_ASSIGN(IntList axes, int_list(attributes.get_ints("axes")));
  if (axes.empty()) {
    for (int axis = 0; axis < rank; ++axis) axes.push_back(axis);
    return axes;
  }
  SX_TRY(axis_mask(axes, rank, ErrorCode::ATTRIBUTE_INVALID).take_status());
  for (int i = 0; i < axes.size(); ++i) axes[i] = *normalize_axis(axes[i], rank);
  return axes;
}

Result<std::optional<ResizeRequest>> read_resize_request(const Attributes& attributes,
                                                         const ResizeOptions& options,
                                                         const ResizeParameters& parameters,
                                                         int rank) {
  ResizeRequest request;
  SX_ASSIGN(const IntList axes, resize_axes(attributes, rank));
  for (int64_t axis : axes) request.axes |= 1u << axis;
  request.roi_end.fill(1.0f);
  const bool crops = options.coordinates == Coordinates::kCropAndResize;
  if (parameters.scales.waits() || parameters.sizes.waits() || (crops && parameters.roi.waits())) {
    return std::optional<ResizeRequest>();
  }
  if (parameters.scales.view) {
    SX_ASSIGN(const std::vector<float> scales, floats(*parameters.scales.view, kMaxRank));
    SX_TRY(read_scales(scales, axes, request));
  } else if (parameters.sizes.view) {
    SX_ASSIGN(const IntList sizes, int_list(*parameters.sizes.view));
    SX_TRY(read_sizes(sizes, axes, request));
    request.by_size = true;
  } else {
    SX_TRY(read_scales(attributes.get_floats("scales"), axes, request));
  }
  if (!crops) return std::optional<ResizeRequest>(request);
  if (!parameters.roi.view) {
    return error(ErrorCode::GRAPH_INPUT_MISSING, "tf_crop_and_resize needs a roi");
  }
  SX_ASSIGN(const std::vector<float> roi, floats(*parameters.roi.view, 2 * kMaxRank));
  const auto count = static_cast<size_t>(axes.size());
  if (roi.size() != 2 * count)
    return wrong_count("roi bounds", static_cast<int64_t>(roi.size()), axes);
  for (size_t i = 0; i < count; ++i) {
    const auto axis = static_cast<size_t>(axes[static_cast<int>(i)]);
    request.roi_begin[axis] = roi[i];
    request.roi_end[axis] = roi[count + i];
  }
  return std::optional<ResizeRequest>(request);
}

Result<ResizeAxis> resize_axis(const ResizeOptions& options, const ResizeRequest& request,
                               const Shape& x, int axis) {
  const auto i = static_cast<size_t>(axis);
  const int64_t in = x[axis];
  ResizeAxis out{in, in, 1.0f, static_cast<float>(in), request.roi_begin[i], request.roi_end[i]};
  if (!(request.axes >> axis & 1)) return out;
  if (!request.by_size) {
    out.scale = request.scale[i];
    const float extent = static_cast<float>(in) * out.scale;
    if (extent > static_cast<float>(INT32_MAX)) {
      return error(ErrorCode::LIMIT_EXCEEDED, "axis %d grows to %g elements", axis,
                   static_cast<double>(extent));
    }
    out.out = static_cast<int64_t>(extent);
    out.extent = extent;
  } else if (options.aspect_ratio == AspectRatio::kStretch) {
    out.out = request.size[i];
    out.extent = static_cast<float>(out.out);
    out.scale = static_cast<float>(out.out) / static_cast<float>(std::max<int64_t>(in, 1));
  } else {
    out.scale = shared_scale(options, request, x);
    const float extent = std::floor(static_cast<float>(in) * out.scale + 0.5f);
    if (extent > static_cast<float>(INT32_MAX)) {
      return error(ErrorCode::LIMIT_EXCEEDED, "axis %d grows to %g elements", axis,
                   static_cast<double>(extent));
    }
    out.out = static_cast<int64_t>(extent);
    out.extent = extent;
  }
  if (in == 0 && out.out > 0) {
    return error(ErrorCode::SHAPE_MISMATCH, "axis %d has no elements to resize", axis);
  }
  return out;
}

}  // namespace sardonyx::ops
