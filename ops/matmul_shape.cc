#include "ops/matmul_shape.h"

namespace sardonyx::ops {

MatrixStack as_stack(const Shape& shape, bool left) {
  const int rank = shape.rank();
  if (rank == 1) {
    return left ? MatrixStack{{}, 1, shape[0]} : MatrixStack{{}, shape[0], 1};
  }
  return {Shape(shape.dims().first(static_cast<size_t>(rank - 2))), shape[rank - 2],
          shape[rank - 1]};
}

Status matmul_mismatch(const Shape& a, const Shape& b) {
  return error(ErrorCode::SHAPE_MISMATCH, "shapes %s and %s do not multiply", a.to_string().c_str(),
               b.to_string().c_str());
}

int64_t matrix_index(const Shape& shape, const Shape& out, int64_t i) {
  int64_t index = 0, step = 1;
  for (int back = 1; back <= shape.rank(); ++back) {
    const int64_t own = shape[shape.rank() - back], dim = out[out.rank() - back];
    if (own != 1) index += i % dim * step;
    step *= own;
    i /= dim;
  }
  return index;
}

Status infer_matmul_shape(InferContext& context, size_t left_input, size_t right_input,
                          DType dtype) {
  const ValueFacts &a = context.inputs[left_input], &b = context.inputs[right_input];
  if (!a.has_shape || !b.has_shape) {
    context.set_output_unknown(0, dtype);
    return {};
  }
  if (a.shape.rank() == 0 || b.shape.rank() == 0) return matmul_mismatch(a.shape, b.shape);
  const MatrixStack left = as_stack(a.shape, true), right = as_stack(b.shape, false);
  const auto batch = broadcast(left.batch, right.batch);
  const bool known = left.columns != kUnknownDim && right.rows != kUnknownDim;
  if (!batch || (known && left.columns != right.rows)) return matmul_mismatch(a.shape, b.shape);
  Shape out = *batch;
  bool fits = true;
  if (a.shape.rank() > 1) fits = out.push_back(left.rows) && fits;
  if (b.shape.rank() > 1) fits = out.push_back(right.columns) && fits;
  if (!fits) return matmul_mismatch(a.shape, b.shape);
  context.set_output(0, dtype, out);
  return {};
}

}  // namespace sardonyx::ops
