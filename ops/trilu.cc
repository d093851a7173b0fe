// Trilu: the upper or lower triangle of matrices, zeros elsewhere.
#include <algorithm>
#include <cstring>

#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

Status run_trilu(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  if (y.elements() == 0) return {};
  const bool upper = attributes.get_int("upper", 1) != 0;
  int64_t k = 0;
  if (context.has_input(1)) {
    SX_ASSIGN(k, int_scalar(context.inputs[1]));
  }
  SX_ASSIGN(const size_t width, element_bytes(x.dtype));
  const int rank = x.shape.rank();
  const int64_t columns = x.shape[rank - 1];
  const int64_t rows = x.shape[rank - 2];
  k = std::clamp(k, -rows, columns);
  const int64_t grain = simd::grain_for(static_cast<double>(columns));
  return simd::parallel_for(y.elements() / columns, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const size_t offset = static_cast<size_t>(row * columns) * width;
      // Columns before `cut` are below the diagonal, or on and below it for the lower triangle.
      const int64_t diagonal = row % rows + k + (upper ? 0 : 1);
      const size_t cut = static_cast<size_t>(std::clamp<int64_t>(diagonal, 0, columns)) * width;
      const size_t bytes = static_cast<size_t>(columns) * width;
      uint8_t* to = y.as<uint8_t>() + offset;
      copy_bytes(to, x.as<const uint8_t>() + offset, bytes);
      std::memset(upper ? to : to + cut, 0, upper ? cut : bytes - cut);
    }
  });
}

}  // namespace

Status infer_trilu(InferContext& context) {
  SX_TRY(check_arity(context, 1, 2));
  const ValueFacts& x = context.inputs[0];
  SX_TRY(check_movable(x.dtype));
  SX_TRY(check_dtype(context, 1, {DType::kInt64}));
  if (x.has_shape && x.shape.rank() < 2) {
    return error(ErrorCode::SHAPE_MISMATCH, "a matrix is wanted, not shape %s",
                 x.shape.to_string().c_str());
  }
  if (context.has_input(1) && context.inputs[1].is_static() &&
      context.inputs[1].shape.elements() != 1) {
    return error(ErrorCode::SHAPE_MISMATCH, "k is not a scalar");
  }
  return same_as_input(context);
}

Result<KernelPtr> make_trilu(const KernelInit& init) {
  return stateless(init, run_trilu);
}

}  // namespace sardonyx::ops
