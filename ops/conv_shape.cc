#include "ops/conv_shape.h"

#include <algorithm>

#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

Result<int64_t> group_count(const Attributes& attributes) {
  const int64_t groups = attributes.get_int("group", 1);
  if (groups >= 1) return groups;
  return error(ErrorCode::ATTRIBUTE_INVALID, "group %lld is below 1",
               static_cast<long long>(groups));
}

// The kernel's extents, from the weights or the attribute; empty when neither is known yet.
Result<IntList> kernel_extents(const Attributes& attributes, const Shape* weights) {
  SX_ASSIGN(IntList kernel, int_list(attributes.get_ints("kernel_shape")));
  if (!weights) return kernel;
  if (!kernel.empty() && kernel.size() != weights->rank() - 2) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "kernel_shape has %d elements for weights %s",
                 kernel.size(), weights->to_string().c_str());
  }
  IntList out;
  for (int i = 0; i + 2 < weights->rank(); ++i) {
    const int64_t dim = (*weights)[i + 2];
    if (!kernel.empty() && dim != kUnknownDim && dim != kernel[i]) {
      return error(ErrorCode::SHAPE_MISMATCH, "kernel_shape does not fit weights %s",
                   weights->to_string().c_str());
    }
    if (dim == kUnknownDim && kernel.empty()) return IntList();
    out.push_back(dim == kUnknownDim ? kernel[i] : dim);
  }
  return out;
}

Status check_channels(const InferContext& context, const ConvInputs& at, int64_t groups) {
  const ValueFacts& x = context.inputs[at.x];
  const ValueFacts& w = context.inputs[at.w];
  if (w.has_shape && (w.shape.rank() < 3 || w.shape[1] == 0)) {
    return error(ErrorCode::SHAPE_MISMATCH, "weights have shape %s", w.shape.to_string().c_str());
  }
  if (x.has_shape && (x.shape.rank() < 3 || (w.has_shape && w.shape.rank() != x.shape.rank()))) {
    return error(ErrorCode::SHAPE_MISMATCH, "an input of shape %s with weights %s",
                 x.shape.to_string().c_str(), w.shape.to_string().c_str());
  }
  if (!w.has_shape) return {};
  const int64_t channels = x.has_shape ? x.shape[1] : kUnknownDim;
  const int64_t group_in = w.shape[1], filters = w.shape[0];
  if (channels != kUnknownDim && group_in != kUnknownDim &&
      (channels % groups != 0 || channels / groups != group_in)) {
    return error(ErrorCode::SHAPE_MISMATCH, "%lld channels in %lld groups with weights %s",
                 static_cast<long long>(channels), static_cast<long long>(groups),
                 w.shape.to_string().c_str());
  }
  if (filters != kUnknownDim && filters % groups != 0) {
    return error(ErrorCode::SHAPE_MISMATCH, "%lld filters in %lld groups",
                 static_cast<long long>(filters), static_cast<long long>(groups));
  }
  if (!context.has_input(at.bias) || !context.inputs[at.bias].has_shape) return {};
  const Shape& bias = context.inputs[at.bias].shape;
  if (bias.rank() == 1 && (bias[0] == filters || bias[0] < 0 || filters < 0)) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "a bias of shape %s for %lld filters",
               bias.to_string().c_str(), static_cast<long long>(filters));
}

}  // namespace

Status infer_conv_shape(InferContext& context, const ConvInputs& at, DType dtype) {
  SX_ASSIGN(const int64_t groups, group_count(context.attributes));
  SX_TRY(check_channels(context, at, groups));
  const ValueFacts& x = context.inputs[at.x];
  const ValueFacts& w = context.inputs[at.w];
  SX_ASSIGN(const IntList kernel,
            kernel_extents(context.attributes, w.has_shape ? &w.shape : nullptr));
  if (!x.has_shape && !w.has_shape) {
    context.set_output_unknown(0, dtype);
    return {};
  }
  Shape out;
  out.resize(x.has_shape ? x.shape.rank() : w.shape.rank(), kUnknownDim);
  out[0] = x.has_shape ? x.shape[0] : kUnknownDim;
  out[1] = w.has_shape ? w.shape[0] : kUnknownDim;
  if (!kernel.empty()) {
    if (kernel.size() != out.rank() - 2) {
      return error(ErrorCode::ATTRIBUTE_INVALID, "kernel_shape has %d elements for %d axes",
                   kernel.size(), out.rank() - 2);
    }
    SX_ASSIGN(const Window window,
              parse_window(context.attributes, {kernel.begin(), kernel.end()}));
    for (int axis = 0; axis < window.axes && x.has_shape; ++axis) {
      SX_ASSIGN(const WindowAxis placed, place_window(window, axis, x.shape[axis + 2]));
      out[axis + 2] = placed.out;
    }
  }
  context.set_output(0, dtype, out);
  return {};
}

Result<simd::ConvSpec> conv_spec(const Attributes& attributes, const Shape& weights,
                                 Layout in_layout, Layout out_layout, Window& window) {
  SX_ASSIGN(const int64_t groups, group_count(attributes));
  const auto kernel = weights.dims().subspan(2);
  SX_ASSIGN(window, parse_window(attributes, kernel));
  window.ceil_mode = false;
  if (window.axes > 3) {
    return error(ErrorCode::MODEL_UNSUPPORTED, "a convolution over %d axes", window.axes);
  }
  simd::ConvSpec spec;
  spec.groups = groups;
  spec.in_channels = weights[1] * groups;
  spec.out_channels = weights[0];
  spec.spatial_axes = window.axes;
  const auto axes = static_cast<size_t>(window.axes);
  std::copy_n(window.kernel.begin(), axes, spec.kernel + 3 - axes);
  std::copy_n(window.stride.begin(), axes, spec.stride + 3 - axes);
  std::copy_n(window.dilation.begin(), axes, spec.dilation + 3 - axes);
  spec.in_layout = in_layout;
  spec.out_layout = out_layout;
  return spec;
}

Result<simd::ConvShape> conv_shape(const simd::ConvSpec& spec, const Window& window, const Shape& x,
                                   const Shape& y) {
  simd::ConvShape shape;
  static_cast<simd::ConvSpec&>(shape) = spec;
  shape.batch = x[0];
  for (int axis = 0; axis < window.axes; ++axis) {
    SX_ASSIGN(const WindowAxis placed, place_window(window, axis, x[axis + 2]));
    const int to = 3 - window.axes + axis;
    shape.in[to] = x[axis + 2];
    shape.out[to] = y[axis + 2];
    shape.pad[to] = placed.pad_begin;
  }
  return shape;
}

}  // namespace sardonyx::ops
