// Matrix products for WebGPU.
#include <algorithm>

#include "base/checked.h"
#include "engine/gpu/emitter.h"
#include "ops/activation.h"
#include "ops/strided.h"

namespace sardonyx::gpu {
namespace {

constexpr int64_t kColumns = 4;
constexpr uint32_t kAddend = 1u << 8;
constexpr uint32_t kRowsBit = 9;  // log2 of the rows per invocation
constexpr int kBatchAxes = 3;

struct Product {
  int64_t m = 1, n = 1, k = 1;
  int64_t a_row = 0, a_k = 1, b_k = 0, b_column = 1;
  int64_t batch[kBatchAxes] = {1, 1, 1}, a_batch[kBatchAxes] = {}, b_batch[kBatchAxes] = {};
  int64_t c_row = 0, c_column = 0;
};

GpuStep& emit(Emitter& e, const Product& p, uint32_t variant) {
  const uint32_t log_rows = p.m == 1 ? 0 : p.m <= 4 ? 2 : 3;
  const int64_t rows = ceil_div<int64_t>(p.m, 1 << log_rows), columns = ceil_div(p.n, kColumns);
  const int64_t batches = p.batch[0] * p.batch[1] * p.batch[2];
  GpuStep& step =
      e.add(GpuKernel::kMatMul, batches * rows * columns, variant | log_rows << kRowsBit);
  e.operand(step, 0, 0);
  e.operand(step, 1, 1);
  uint32_t* to = step.params + 5;
  for (int64_t value :
       {p.m, p.n, p.k, p.a_row, p.a_k, p.b_k, p.b_column, p.c_row, p.c_column, rows, columns}) {
    *to++ = word(value);
  }
  for (const auto* list : {p.batch, p.a_batch, p.b_batch}) {
    for (int i = 0; i < kBatchAxes; ++i) *to++ = word(list[i]);
  }
  step.params[29] = bits(1.0f);  // alpha and beta
  step.params[30] = bits(1.0f);
  return step;
}

// With the activation and, if it adds, input 2.
GpuStep& emit_fused(Emitter& e, const Product& p, const simd::Activation& activation, bool adds) {
  GpuStep& step = emit(e, p, static_cast<uint32_t>(activation.kind) | (adds ? kAddend : 0));
  if (adds) e.operand(step, 2, 2);
  step.params[31] = bits(activation.a);
  step.params[32] = bits(activation.b);
  return step;
}

}  // namespace

bool lower_matmul(Emitter& e) {
  if (!e.all_float()) return false;
  // A vector is a row on the left and a column on the right.
  Shape a = e.input(0).shape, b = e.input(1).shape;
  if (a.rank() == 0 || b.rank() == 0) return false;
  if (a.rank() == 1) a = Shape{1, a[0]};
  if (b.rank() == 1) b = Shape{b[0], 1};
  Product p;
  p.k = a[a.rank() - 1];
  p.n = b[b.rank() - 1];
  p.a_row = p.k;
  p.b_k = p.n;
  if (b.rank() == 2) {
    p.m = a.product(0, a.rank() - 1);
    emit(e, p, 0);
    return true;
  }
  p.m = a[a.rank() - 2];
  const int axes = std::max(a.rank(), b.rank()) - 2;
  if (axes > kBatchAxes) return false;
  const auto a_strides = ops::dense_strides(a), b_strides = ops::dense_strides(b);
  for (int axis = 0; axis < axes; ++axis) {
    const int to = kBatchAxes - axes + axis;
    const int in_a = axis - (axes + 2 - a.rank()), in_b = axis - (axes + 2 - b.rank());
    const int64_t a_dim = in_a < 0 ? 1 : a[in_a], b_dim = in_b < 0 ? 1 : b[in_b];
    p.batch[to] = a_dim == 1 ? b_dim : a_dim;
    p.a_batch[to] = a_dim == 1 ? 0 : a_strides[static_cast<size_t>(in_a)];
    p.b_batch[to] = b_dim == 1 ? 0 : b_strides[static_cast<size_t>(in_b)];
  }
  emit(e, p, 0);
  return true;
}

bool lower_fused_matmul(Emitter& e) {
  const auto activation = ops::parse_activation(e.attributes());
  const Shape &a = e.input(0).shape, &b = e.input(1).shape;
  if (!e.all_float() || !activation.ok() || a.rank() == 0 || b.rank() != 2) return false;
  Product p;
  p.k = b[0];
  p.n = b[1];
  p.m = a.product(0, a.rank() - 1);
  p.a_row = p.k;
  p.b_k = p.n;
  p.c_column = 1;
  emit_fused(e, p, activation.value(), e.has_input(2));
  return true;
}

bool lower_gemm(Emitter& e) {
  if (!e.all_float()) return false;
  const Attributes& attributes = e.attributes();
  const auto activation = ops::parse_activation(attributes);
  if (!activation.ok()) return false;
  const Shape& a = e.input(0).shape;
  const Shape& b = e.input(1).shape;
  const bool a_turned = attributes.get_int("transA", 0) != 0;
  const bool b_turned = attributes.get_int("transB", 0) != 0;
  if (a.rank() != 2 || b.rank() != 2) return false;
  Product p;
  p.m = a[a_turned ? 1 : 0];
  p.k = a[a_turned ? 0 : 1];
  p.n = b[b_turned ? 0 : 1];
  p.a_row = a_turned ? 1 : p.k;
  p.a_k = a_turned ? p.m : 1;
  p.b_k = b_turned ? 1 : p.n;
  p.b_column = b_turned ? p.k : 1;
  const float beta = attributes.get_float("beta", 1.0f);
  const bool adds = e.has_input(2) && beta != 0.0f;
  if (adds) {
    const Shape& c = e.input(2).shape;
    if (c.rank() > 2) return false;
    const int64_t columns = c.rank() > 0 ? c[c.rank() - 1] : 1;
    const int64_t rows = c.rank() > 1 ? c[0] : 1;
    p.c_column = columns == 1 ? 0 : 1;
    p.c_row = rows == 1 ? 0 : columns;
  }
  GpuStep& step = emit_fused(e, p, activation.value(), adds);
  step.params[29] = bits(attributes.get_float("alpha", 1.0f));
  step.params[30] = bits(beta);
  return true;
}

}  // namespace sardonyx::gpu
