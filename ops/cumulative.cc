// CumSum and CumProd.
#include <algorithm>

#include "base/checked.h"
#include "ops/axis_split.h"
#include "ops/convert.h"
#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kBlock = 128;  // columns that are accumulated together
constexpr double kNsPerElement = 8;

double combine(double a, double b, bool product) {
  return product ? a * b : a + b;
}
// Wraps, for signed integers alike.
uint64_t combine(uint64_t a, uint64_t b, bool product) {
  return product ? a * b : a + b;
}

struct Cumulation {
  const TensorView& x;
  const TensorView& y;
  AxisSplit split;
  bool product, exclusive, reverse;
};

// `columns` columns from element `first` on, in T, which is what `type` says.
template <typename T>
void cumulate(const Cumulation& c, DType type, int64_t first, int64_t columns) {
  T totals[kBlock], values[kBlock];
  std::fill_n(totals, columns, static_cast<T>(c.product ? 1 : 0));
  const int64_t width = dtype_bits(c.x.dtype) / 8;
  for (int64_t k = 0; k < c.split.dim; ++k) {
    const int64_t row = c.reverse ? c.split.dim - 1 - k : k;
    const int64_t offset = (first + row * c.split.inner) * width;
    convert(type, values, c.x.dtype, c.x.as<const uint8_t>() + offset, 1, columns);
    if (c.exclusive) {
      convert(c.y.dtype, c.y.as<uint8_t>() + offset, type, totals, 1, columns);
    }
    for (int64_t i = 0; i < columns; ++i) totals[i] = combine(totals[i], values[i], c.product);
    if (!c.exclusive) {
      convert(c.y.dtype, c.y.as<uint8_t>() + offset, type, totals, 1, columns);
    }
  }
}

Status run_cumulative(const Attributes& attributes, const RunContext& context, bool product) {
  const TensorView& x = context.inputs[0];
  SX_ASSIGN(const int axis, axis_at(context.inputs[1], x.shape.rank()));
  const Cumulation c{x,
                     context.outputs[0],
                     split_at(x.shape, axis),
                     product,
                     attributes.get_int("exclusive", 0) != 0,
                     attributes.get_int("reverse", 0) != 0};
  const DType compute = compute_dtype(x.dtype);
  const bool floats = compute == DType::kFloat32 || compute == DType::kFloat64;
  const int64_t blocks = ceil_div(c.split.inner, kBlock);
  const auto cost = static_cast<double>(c.split.dim * std::min(c.split.inner, kBlock));
  return simd::parallel_for(c.split.outer * blocks, simd::grain_for(kNsPerElement * cost),
                            [&](int64_t begin, int64_t end) {
                              for (int64_t item = begin; item < end; ++item) {
                                const int64_t column = item % blocks * kBlock;
                                const int64_t first =
                                    item / blocks * c.split.dim * c.split.inner + column;
                                const int64_t columns = std::min(kBlock, c.split.inner - column);
                                if (floats) {
                                  cumulate<double>(c, DType::kFloat64, first, columns);
                                } else {
                                  cumulate<uint64_t>(c, DType::kUint64, first, columns);
                                }
                              }
                            });
}

Status run_cum_sum(const Attributes& attributes, const RunContext& context) {
  return run_cumulative(attributes, context, false);
}
Status run_cum_prod(const Attributes& attributes, const RunContext& context) {
  return run_cumulative(attributes, context, true);
}

Status infer_cumulative(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& axis = context.inputs[1];
  if (compute_dtype(x.dtype) == DType::kUndefined || x.dtype == DType::kBool) {
    return unsupported_dtype(x.dtype);
  }
  SX_TRY(check_index_dtype(context, 1));
  if (axis.value && x.has_shape) SX_TRY(axis_at(*axis.value, x.shape.rank()).take_status());
  return same_as_input(context);
}

}  // namespace

Status infer_cum_sum(InferContext& context) {
  return infer_cumulative(context);
}
Status infer_cum_prod(InferContext& context) {
  return infer_cumulative(context);
}
Result<KernelPtr> make_cum_sum(const KernelInit& init) {
  return stateless(init, run_cum_sum);
}
Result<KernelPtr> make_cum_prod(const KernelInit& init) {
  return stateless(init, run_cum_prod);
}

}  // namespace sardonyx::ops
