// MaxUnpool: the maxima of a pooling back at their places, zeros elsewhere.
#include <cstring>

#include "base/checked.h"
#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"
#include "ops/window.h"

namespace sardonyx::ops {
namespace {

// What was pooled, as the attributes say: the indices count its elements.
Result<Shape> pooled_shape(const Attributes& attributes, const Shape& x) {
  const int axes = x.rank() - 2;
  SX_ASSIGN(const Window window, parse_window(attributes, attributes.get_ints("kernel_shape")));
  if (axes < 1 || window.axes != axes) {
    return error(ErrorCode::SHAPE_MISMATCH, "a window of %d axes for shape %s", window.axes,
                 x.to_string().c_str());
  }
  Shape out = x;
  for (int axis = 0; axis < axes; ++axis) {
    const auto i = static_cast<size_t>(axis);
    const int64_t in = x[axis + 2];
    if (in < 0) continue;
    const auto last = checked_mul(in - 1, window.stride[i]);
    const int64_t around = window.kernel[i] - window.pad_begin[i] - window.pad_end[i];
    const auto extent = last ? checked_add(*last, around) : std::nullopt;
    if (!extent || *extent < 0) {
      return error(ErrorCode::SHAPE_MISMATCH, "the window and its pads do not fit shape %s",
                   x.to_string().c_str());
    }
    out[axis + 2] = *extent;
  }
  return out;
}

Status run_max_unpool(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  SX_ASSIGN(const Shape pooled, pooled_shape(attributes, x.shape));
  SX_ASSIGN(const size_t width, element_bytes(y.dtype));
  if (y.elements() > 0) std::memset(y.data, 0, y.bytes());
  const int64_t limit = pooled.elements().value_or(0);
  const auto strides = dense_strides(y.shape);
  const int64_t count = x.elements();
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = context.inputs[1].as<const int64_t>()[i];
    bool inside = rest >= 0 && rest < limit;
    int64_t to = 0;
    for (int axis = y.shape.rank() - 1; inside && axis >= 0; --axis) {
      const int64_t at = rest % pooled[axis];
      rest /= pooled[axis];
      inside = at < y.shape[axis];
      to += at * strides[static_cast<size_t>(axis)];
    }
    if (!inside) {
      return error(ErrorCode::INDEX_RANGE, "index %lld is outside of the output",
                   static_cast<long long>(context.inputs[1].as<const int64_t>()[i]));
    }
    copy_bytes(y.as<uint8_t>() + static_cast<size_t>(to) * width,
               x.as<const uint8_t>() + static_cast<size_t>(i) * width, width);
  }
  return {};
}

}  // namespace

Status infer_max_unpool(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& indices = context.inputs[1];
  SX_TRY(check_dtype(context, 0,
                     {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16}));
  SX_TRY(check_dtype(context, 1, {DType::kInt64}));
  if (x.is_static() && indices.is_static() && !(x.shape == indices.shape)) {
    return error(ErrorCode::SHAPE_MISMATCH, "indices of shape %s for values of shape %s",
                 indices.shape.to_string().c_str(), x.shape.to_string().c_str());
  }
  context.set_output_unknown(0, x.dtype);
  if (!x.has_shape) return {};
  SX_ASSIGN(Shape out, pooled_shape(context.attributes, x.shape));
  if (context.has_input(2)) {
    SX_ASSIGN(const std::optional<IntList> wanted, known_ints(context, 2));
    if (!wanted) return {};
    if (wanted->size() != out.rank()) {
      return error(ErrorCode::SHAPE_MISMATCH, "an output of %d dims from %d dims", wanted->size(),
                   out.rank());
    }
    for (int i = 0; i < out.rank(); ++i) {
      if ((*wanted)[i] < 0) return error(ErrorCode::VALUE_RANGE, "a dim of the output is negative");
      out[i] = (*wanted)[i];
    }
  }
  context.set_output(0, x.dtype, out);
  return {};
}

Result<KernelPtr> make_max_unpool(const KernelInit& init) {
  return stateless(init, run_max_unpool);
}

}  // namespace sardonyx::ops
