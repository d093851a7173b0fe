// Expand and Tile.
#include "base/checked.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

Status run_expand(const Attributes&, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  const auto from = dense_strides(x.shape);
  const auto to = dense_strides(y.shape);
  const int missing = y.shape.rank() - x.shape.rank();
  StridedCopy copy;
  for (int axis = 0; axis < y.shape.rank(); ++axis) {
    const bool repeats = axis < missing || x.shape[axis - missing] == 1;
    copy.add(y.shape[axis], repeats ? 0 : from[static_cast<size_t>(axis - missing)],
             to[static_cast<size_t>(axis)]);
  }
  SX_ASSIGN(const size_t width, element_bytes(x.dtype));
  return copy.run(width, x.data, y.data);
}

// Each dim of the output is [repeat][dim].
Status run_tile(const Attributes&, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  if (y.elements() == 0) return {};
  const auto from = dense_strides(x.shape);
  const auto to = dense_strides(y.shape);
  StridedCopy copy;
  for (int axis = 0; axis < y.shape.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    copy.add(y.shape[axis] / x.shape[axis], 0, to[i] * x.shape[axis]);
    copy.add(x.shape[axis], from[i], to[i]);
  }
  SX_ASSIGN(const size_t width, element_bytes(x.dtype));
  return copy.run(width, x.data, y.data);
}

// Unknown dims, as many as a list of integers that is not known yet will name.
Shape unknown_shape(const ValueFacts& list) {
  Shape out;
  if (list.is_static() && list.shape.rank() == 1 && list.shape[0] <= kMaxRank) {
    out.resize(static_cast<int>(list.shape[0]), kUnknownDim);
  }
  return out;
}

}  // namespace

Status infer_expand(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  const ValueFacts& x = context.inputs[0];
  SX_TRY(check_movable(x.dtype));
  SX_ASSIGN(const std::optional<IntList> wanted, known_ints(context, 1));
  context.set_output_unknown(0, x.dtype);
  if (!x.has_shape) return {};
  if (!wanted) {
    const Shape unknown = unknown_shape(context.inputs[1]);
    if (unknown.rank() == 0) return {};
    Shape out;
    out.resize(std::max(unknown.rank(), x.shape.rank()), kUnknownDim);
    context.set_output(0, x.dtype, out);
    return {};
  }
  Shape to;
  for (int64_t dim : *wanted) {
    if (dim < 0 || !to.push_back(dim)) {
      return error(ErrorCode::VALUE_RANGE, "the shape to expand to has %d dims, one of them %lld",
                   wanted->size(), static_cast<long long>(dim));
    }
  }
  const auto out = broadcast(x.shape, to);
  if (!out) {
    return error(ErrorCode::SHAPE_MISMATCH, "shapes %s and %s do not broadcast",
                 x.shape.to_string().c_str(), to.to_string().c_str());
  }
  context.set_output(0, x.dtype, *out);
  return {};
}

Status infer_tile(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  const ValueFacts& x = context.inputs[0];
  SX_TRY(check_movable(x.dtype));
  SX_ASSIGN(const std::optional<IntList> repeats, known_ints(context, 1));
  context.set_output_unknown(0, x.dtype);
  if (!x.has_shape) return {};
  Shape out = x.shape;
  if (repeats && repeats->size() != out.rank()) {
    return error(ErrorCode::SHAPE_MISMATCH, "%d repeats for rank %d", repeats->size(), out.rank());
  }
  for (int axis = 0; axis < out.rank(); ++axis) {
    const int64_t repeat = repeats ? (*repeats)[axis] : kUnknownDim;
    if (repeats && repeat < 0) {
      return error(ErrorCode::VALUE_RANGE, "a repeat is %lld", static_cast<long long>(repeat));
    }
    if (!repeats || out[axis] < 0) {
      out[axis] = kUnknownDim;
      continue;
    }
    const auto dim = checked_mul(out[axis], repeat);
    if (!dim) return error(ErrorCode::LIMIT_EXCEEDED, "a dim of the output is too large");
    out[axis] = *dim;
  }
  context.set_output(0, x.dtype, out);
  return {};
}

Result<KernelPtr> make_expand(const KernelInit& init) {
  return stateless(init, run_expand);
}
Result<KernelPtr> make_tile(const KernelInit& init) {
  return stateless(init, run_tile);
}

}  // namespace sardonyx::ops
