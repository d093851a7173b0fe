// Compress: the slices along an axis, or the elements, that a list of booleans chooses.
#include <algorithm>

#include "ops/axis_split.h"
#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

// Without an axis the elements lie in one row.
Result<AxisSplit> compress_split(const Attributes& attributes, const Shape& shape) {
  if (!attributes.has("axis")) return AxisSplit{1, shape.product(0, shape.rank()), 1};
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 0), shape.rank()));
  return split_at(shape, axis);
}

int64_t count_chosen(const TensorView& condition, int64_t limit) {
  const auto* flags = condition.as<const uint8_t>();
  return std::count_if(flags, flags + std::min(limit, condition.elements()),
                       [](uint8_t flag) { return flag != 0; });
}

Status run_compress(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& condition = context.inputs[1];
  const TensorView& y = context.outputs[0];
  SX_ASSIGN(const AxisSplit split, compress_split(attributes, x.shape));
  SX_ASSIGN(const size_t width, element_bytes(x.dtype));
  const size_t slice = static_cast<size_t>(split.inner) * width;
  const int64_t length = std::min(split.dim, condition.elements());
  if (static_cast<size_t>(split.outer * count_chosen(condition, length)) * slice != y.bytes()) {
    return error(ErrorCode::INTERNAL, "the condition has changed since it was counted");
  }
  auto* to = y.as<uint8_t>();
  for (int64_t outer = 0; outer < split.outer && slice > 0; ++outer) {
    for (int64_t i = 0; i < length; ++i) {
      if (!condition.as<const uint8_t>()[i]) continue;
      const auto from = static_cast<size_t>(outer * split.dim + i);
      copy_bytes(to, x.as<const uint8_t>() + from * slice, slice);
      to += slice;
    }
  }
  return {};
}

}  // namespace

Status infer_compress(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& condition = context.inputs[1];
  SX_TRY(check_movable(x.dtype));
  SX_TRY(check_dtype(context, 1, {DType::kBool}));
  if (condition.has_shape && condition.shape.rank() != 1) {
    return error(ErrorCode::SHAPE_MISMATCH, "the condition has shape %s: a list is wanted",
                 condition.shape.to_string().c_str());
  }
  const bool has_axis = context.attributes.has("axis");
  Shape out{kUnknownDim};
  int axis = 0;
  if (has_axis && x.has_shape) {
    SX_ASSIGN(axis, check_axis(context.attributes.get_int("axis", 0), x.shape.rank()));
    out = x.shape;
    out[axis] = kUnknownDim;
  } else if (has_axis) {
    context.set_output_unknown(0, x.dtype);
    return {};
  }
  const bool dim_known = has_axis ? x.shape[axis] >= 0 : x.is_static();
  if (dim_known && contents_known(condition)) {
    const int64_t dim = has_axis ? x.shape[axis] : x.shape.product(0, x.shape.rank());
    out[axis] = count_chosen(known_contents(condition), dim);
  }
  context.set_output(0, x.dtype, out);
  return {};
}

Result<KernelPtr> make_compress(const KernelInit& init) {
  return stateless(init, run_compress);
}

}  // namespace sardonyx::ops
