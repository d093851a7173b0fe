// Gather: slices of the first input along one axis, chosen by an index tensor.
#include <cstring>

#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

int64_t index_at(const TensorView& indices, int64_t i) {
  return indices.dtype == DType::kInt32 ? indices.as<const int32_t>()[i]
                                        : indices.as<const int64_t>()[i];
}

Status run_gather(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& indices = context.inputs[1];
  const TensorView& y = context.outputs[0];
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 0), x.shape.rank()));
  SX_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const int64_t dim = x.shape[axis];
  const int64_t outer = x.shape.product(0, axis);
  const size_t slice = static_cast<size_t>(x.shape.product(axis + 1, x.shape.rank())) * bytes;
  const int64_t count = indices.elements();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t index = index_at(indices, i);
    if (index < -dim || index >= dim) {
      return error(ErrorCode::INDEX_RANGE, "index %lld is out of range for a dim of %lld",
                   static_cast<long long>(index), static_cast<long long>(dim));
    }
    const int64_t from = index < 0 ? index + dim : index;
    for (int64_t o = 0; o < outer && slice > 0; ++o) {
      std::memcpy(y.as<uint8_t>() + static_cast<size_t>(o * count + i) * slice,
                  x.as<const uint8_t>() + static_cast<size_t>(o * dim + from) * slice, slice);
    }
  }
  return {};
}

}  // namespace

Status infer_gather(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  SX_TRY(check_dtype(context, 1, {DType::kInt32, DType::kInt64}));
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& indices = context.inputs[1];
  SX_TRY(element_bytes(x.dtype).take_status());
  if (!x.has_shape || !indices.has_shape) {
    context.set_output_unknown(0, x.dtype);
    return {};
  }
  SX_ASSIGN(const int axis, check_axis(context.attributes.get_int("axis", 0), x.shape.rank()));
  Shape shape;
  bool fits = true;
  for (int i = 0; i < axis; ++i) fits &= shape.push_back(x.shape[i]);
  for (int64_t dim : indices.shape) fits &= shape.push_back(dim);
  for (int i = axis + 1; i < x.shape.rank(); ++i) fits &= shape.push_back(x.shape[i]);
  if (!fits) return error(ErrorCode::LIMIT_EXCEEDED, "the output has more than %d dims", kMaxRank);
  context.set_output(0, x.dtype, shape);
  return {};
}

Result<KernelPtr> make_gather(const KernelInit& init) {
  return stateless(init, run_gather);
}

}  // namespace sardonyx::ops
