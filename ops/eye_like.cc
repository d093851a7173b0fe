// EyeLike: ones on a diagonal.
#include <algorithm>
#include <cstring>

#include "ops/convert.h"
#include "ops/element.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

Status run_eye_like(const Attributes& attributes, const RunContext& context) {
  const TensorView& y = context.outputs[0];
  if (y.elements() == 0) return {};
  const int64_t rows = y.shape[0];
  const int64_t columns = y.shape[1];
  const int64_t k = std::clamp(attributes.get_int("k", 0), -rows, columns);
  std::memset(y.data, 0, y.bytes());
  for (int64_t row = std::max<int64_t>(0, -k); row < rows && row + k < columns; ++row) {
    store_double(y, row * columns + row + k, 1);
  }
  return {};
}

}  // namespace

Status infer_eye_like(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  const ValueFacts& x = context.inputs[0];
  SX_ASSIGN(const DType dtype, dtype_attribute(context.attributes, "dtype", x.dtype));
  if (compute_dtype(dtype) == DType::kUndefined) return unsupported_dtype(dtype);
  if (x.has_shape && x.shape.rank() != 2) {
    return error(ErrorCode::SHAPE_MISMATCH, "a matrix is wanted, not shape %s",
                 x.shape.to_string().c_str());
  }
  context.outputs[0] = {dtype, x.has_shape, x.shape, nullptr};
  return {};
}

Result<KernelPtr> make_eye_like(const KernelInit& init) {
  return stateless(init, run_eye_like);
}

}  // namespace sardonyx::ops
