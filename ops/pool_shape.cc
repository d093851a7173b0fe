#include "ops/pool_shape.h"

namespace sardonyx::ops {

Status set_pooled_output(InferContext& context, const Window& window) {
  if (window.axes > 3) {
    return error(ErrorCode::MODEL_UNSUPPORTED, "pooling over %d axes", window.axes);
  }
  const ValueFacts& x = context.inputs[0];
  if (!x.has_shape) {
    context.set_output_unknown(0, x.dtype);
    if (context.has_output(1)) context.set_output_unknown(1, DType::kInt64);
    return {};
  }
  if (x.shape.rank() != window.axes + 2) {
    return error(ErrorCode::SHAPE_MISMATCH, "a window of %d axes over an input of shape %s",
                 window.axes, x.shape.to_string().c_str());
  }
  Shape out = x.shape;
  for (int axis = 0; axis < window.axes; ++axis) {
    SX_ASSIGN(const WindowAxis placed, place_window(window, axis, x.shape[axis + 2]));
    out[axis + 2] = placed.out;
  }
  context.set_output(0, x.dtype, out);
  if (context.has_output(1)) context.set_output(1, DType::kInt64, out);
  return {};
}

Status set_global_pool_output(InferContext& context) {
  const ValueFacts& x = context.inputs[0];
  if (!x.has_shape) {
    context.set_output_unknown(0, x.dtype);
    return {};
  }
  if (x.shape.rank() < 3) {
    return error(ErrorCode::SHAPE_MISMATCH, "an input of shape %s", x.shape.to_string().c_str());
  }
  Shape out = x.shape;
  for (int axis = 2; axis < out.rank(); ++axis) out[axis] = 1;
  context.set_output(0, x.dtype, out);
  return {};
}

}  // namespace sardonyx::ops
