// Shapes of matrix products as NumPy's matmul sees them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "ops/operator.h"

namespace sardonyx::ops {

// A shape as a stack of matrices.
struct MatrixStack {
  Shape batch;
  int64_t rows = 1, columns = 1;
};
// A vector is a row on the left and a column on the right. The rank is 1 or more.
MatrixStack as_stack(const Shape& shape, bool left);

// Index, in a stack of shape `shape`, of the matrix that output matrix i is made from.
int64_t matrix_index(const Shape& shape, const Shape& out, int64_t i);

// SHAPE_MISMATCH naming both shapes.
Status matmul_mismatch(const Shape& a, const Shape& b);

// Checks the operands and sets output 0 to their product of `dtype`.
Status infer_matmul_shape(InferContext& context, size_t left_input, size_t right_input,
                          DType dtype);

}  // namespace sardonyx::ops
