#include "ops/indices.h"

#include "ops/shape_rule.h"

namespace sardonyx::ops {

Status check_index_dtype(const InferContext& context, size_t input) {
  return check_dtype(context, input, {DType::kInt64, DType::kInt32});
}

Status check_indices(const TensorView& indices, int64_t dim) {
  const int64_t count = indices.elements();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t index = index_at(indices, i);
    if (index < -dim || index >= dim) {
      return error(ErrorCode::INDEX_RANGE, "index %lld is out of range for a dim of %lld",
                   static_cast<long long>(index), static_cast<long long>(dim));
    }
  }
  return {};
}

Result<int> axis_at(const TensorView& scalar, int rank) {
  SX_ASSIGN(const int64_t axis, int_scalar(scalar));
  const auto normal = normalize_axis(axis, rank);
  if (normal) return *normal;
  return error(ErrorCode::VALUE_RANGE, "axis %lld is out of range for rank %d",
               static_cast<long long>(axis), rank);
}

bool contents_known(const ValueFacts& facts) {
  return facts.value || (facts.is_static() && facts.shape.elements() == 0);
}

TensorView known_contents(const ValueFacts& facts) {
  return facts.value ? *facts.value
                     : TensorView{facts.dtype, Layout::kRowMajor, facts.shape, nullptr};
}

}  // namespace sardonyx::ops
