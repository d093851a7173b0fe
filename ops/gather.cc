// Gather: slices of the first input along one axis, chosen by an index tensor.
#include <cstring>

#include "ops/axis_split.h"
#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

Status run_gather(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& indices = context.inputs[1];
  const TensorView& y = context.outputs[0];
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 0), x.shape.rank()));
  SX_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const AxisSplit split = split_at(x.shape, axis);
  const size_t slice = static_cast<size_t>(split.inner) * bytes;
  const int64_t count = indices.elements();
  SX_TRY(check_indices(indices, split.dim));
  for (int64_t i = 0, end = 0; i < count && slice > 0; i = end) {
    // Neighbours in the index tensor that are neighbours in the data move together.
    const int64_t from = index_in(indices, i, split.dim);
    for (end = i + 1; end < count && index_in(indices, end, split.dim) == from + end - i;) ++end;
    const uint8_t* source = x.as<const uint8_t>() + static_cast<size_t>(from) * slice;
    uint8_t* target = y.as<uint8_t>() + static_cast<size_t>(i) * slice;
    if (split.outer == 1) {
      std::memcpy(target, source, static_cast<size_t>(end - i) * slice);
      continue;
    }
    StridedCopy copy;
    copy.add(split.outer, split.dim * split.inner, count * split.inner);
    copy.add((end - i) * split.inner, 1, 1);
    SX_TRY(copy.run(bytes, source, target));
  }
  return {};
}

}  // namespace

Status infer_gather(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  SX_TRY(check_index_dtype(context, 1));
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
