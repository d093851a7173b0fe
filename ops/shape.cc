// Shape and Size.
#include <algorithm>

#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

struct Range {
  int64_t begin, end;
};

// The dims that Shape returns, since opset 15 a part of them.
Range shape_range(const Attributes& attributes, int rank) {
  const auto clamp = [&](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const int64_t begin = clamp(attributes.get_int("start", 0));
  return {begin, std::max(begin, clamp(attributes.get_int("end", rank)))};
}

Status run_shape(const Attributes& attributes, const RunContext& context) {
  const Shape& shape = context.inputs[0].shape;
  const Range range = shape_range(attributes, shape.rank());
  std::copy(shape.begin() + range.begin, shape.begin() + range.end,
            context.outputs[0].as<int64_t>());
  return {};
}

Status run_size(const Attributes&, const RunContext& context) {
  *context.outputs[0].as<int64_t>() = context.inputs[0].elements();
  return {};
}

}  // namespace

Status infer_shape(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  const ValueFacts& x = context.inputs[0];
  if (!x.has_shape) {
    context.set_output(0, DType::kInt64, {kUnknownDim});
    return {};
  }
  const Range range = shape_range(context.attributes, x.shape.rank());
  context.set_output(0, DType::kInt64, {range.end - range.begin});
  return {};
}

Status infer_size(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  context.set_output(0, DType::kInt64, {});
  return {};
}

Result<KernelPtr> make_shape(const KernelInit& init) {
  return stateless(init, run_shape);
}
Result<KernelPtr> make_size(const KernelInit& init) {
  return stateless(init, run_size);
}

}  // namespace sardonyx::ops
