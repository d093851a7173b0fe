// Det: determinants of square matrices, by LU decomposition with row exchanges, in double.
#include <algorithm>
#include <cmath>

#include "ops/convert.h"
#include "ops/element.h"
#include "ops/operator.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

// Destroys the matrix.
double determinant(double* a, int64_t n) {
  double out = 1;
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i) {
      if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k])) pivot = i;
    }
    const double value = a[pivot * n + k];
    if (value == 0) return 0;
    if (pivot != k) {
      std::swap_ranges(a + k * n, a + (k + 1) * n, a + pivot * n);
      out = -out;
    }
    out *= value;
    for (int64_t i = k + 1; i < n; ++i) {
      const double factor = a[i * n + k] / value;
      for (int64_t j = k; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return out;
}

class DetKernel final : public Kernel {
 public:
  Status bind(BindContext& context) const override {
    const Shape& shape = context.inputs[0].shape;
    const int64_t n = shape[shape.rank() - 1];
    ScratchLayout layout;
    SX_TRY(layout.add(checked_mul(n, n), sizeof(double)).take_status());
    context.scratch_bytes = layout.bytes();
    return {};
  }

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[0];
    const TensorView& y = context.outputs[0];
    const int64_t n = x.shape[x.shape.rank() - 1];
    auto* matrix = static_cast<double*>(static_cast<void*>(context.scratch));
    const int64_t count = y.elements();
    for (int64_t i = 0; i < count; ++i) {
      convert(DType::kFloat64, matrix, x.dtype, element_address(x, i * n * n), 1, n * n);
      store_double(y, i, determinant(matrix, n));
    }
    return {};
  }
  std::string_view name() const override { return "det"; }
};

}  // namespace

Status infer_det(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_dtype(context, 0,
                     {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16}));
  const ValueFacts& x = context.inputs[0];
  context.set_output_unknown(0, x.dtype);
  if (!x.has_shape) return {};
  const int rank = x.shape.rank();
  if (rank < 2 || (x.shape[rank - 1] >= 0 && x.shape[rank - 2] >= 0 &&
                   x.shape[rank - 1] != x.shape[rank - 2])) {
    return error(ErrorCode::SHAPE_MISMATCH, "square matrices are wanted, not shape %s",
                 x.shape.to_string().c_str());
  }
  context.set_output(0, x.dtype, Shape(x.shape.dims().first(static_cast<size_t>(rank - 2))));
  return {};
}

Result<KernelPtr> make_det(const KernelInit&) {
  return KernelPtr(std::make_unique<DetKernel>());
}

}  // namespace sardonyx::ops
