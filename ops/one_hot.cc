// OneHot: a new axis that is 'on' at the index and 'off' elsewhere.
#include "ops/axis_split.h"
#include "ops/convert.h"
#include "ops/element.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

Status run_one_hot(const Attributes& attributes, const RunContext& context) {
  const TensorView& indices = context.inputs[0];
  const TensorView& y = context.outputs[0];
  if (y.elements() == 0) return {};
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", -1), y.shape.rank()));
  SX_ASSIGN(const size_t width, element_bytes(y.dtype));
  const AxisSplit split = split_at(y.shape, axis);
  const auto* values = context.inputs[2].as<const uint8_t>();
  StridedCopy off;
  off.add(y.elements(), 0, 1);
  SX_TRY(off.run(width, values, y.data));
  for (int64_t outer = 0; outer < split.outer; ++outer) {
    for (int64_t inner = 0; inner < split.inner; ++inner) {
      int64_t index = load_int64(indices, outer * split.inner + inner);
      if (index < 0) index += split.dim;
      if (index < 0 || index >= split.dim) continue;
      const int64_t at = (outer * split.dim + index) * split.inner + inner;
      copy_bytes(y.as<uint8_t>() + static_cast<size_t>(at) * width, values + width, width);
    }
  }
  return {};
}

bool is_numeric(DType dtype) {
  return compute_dtype(dtype) != DType::kUndefined;
}

}  // namespace

Status infer_one_hot(InferContext& context) {
  SX_TRY(check_arity(context, 3, 3));
  const ValueFacts& indices = context.inputs[0];
  const ValueFacts& depth = context.inputs[1];
  const ValueFacts& values = context.inputs[2];
  for (size_t i = 0; i < 2; ++i) {
    if (!is_numeric(context.inputs[i].dtype)) return unsupported_dtype(context.inputs[i].dtype);
  }
  SX_TRY(check_movable(values.dtype));
  if ((depth.is_static() && depth.shape.elements() != 1) ||
      (values.is_static() && values.shape.elements() != 2)) {
    return error(ErrorCode::SHAPE_MISMATCH, "depth is not one number, or values are not two");
  }
  context.set_output_unknown(0, values.dtype);
  if (!indices.has_shape) return {};
  const int rank = indices.shape.rank() + 1;
  if (rank > kMaxRank) {
    return error(ErrorCode::LIMIT_EXCEEDED, "the output has more than %d dims", kMaxRank);
  }
  SX_ASSIGN(const int axis, check_axis(context.attributes.get_int("axis", -1), rank));
  int64_t dim = kUnknownDim;
  if (depth.value) {
    dim = load_int64(*depth.value, 0);
    if (dim < 0) {
      return error(ErrorCode::VALUE_RANGE, "depth is %lld", static_cast<long long>(dim));
    }
  }
  Shape out;
  for (int i = 0; i < rank; ++i) {
    out.push_back(i == axis ? dim : indices.shape[i < axis ? i : i - 1]);
  }
  context.set_output(0, values.dtype, out);
  return {};
}

Result<KernelPtr> make_one_hot(const KernelInit& init) {
  return stateless(init, run_one_hot);
}

}  // namespace sardonyx::ops
