#include "ops/integer_matmul.h"

#include <string>

#include "base/checked.h"
#include "ops/integer_weights.h"
#include "ops/matmul_shape.h"
#include "ops/quantization.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kNone = SIZE_MAX;

struct Plan final : StepPlan {
  int64_t m = 0, n = 0, k = 0;  // of one product
  int64_t matrices = 0;         // of the output
  Shape a_batch, b_batch, batch;
  int64_t rows = 0;        // of all of A
  int64_t b_matrices = 0;  // of all of B
  IntegerColumns columns;
  size_t a = 0, a_zeros = 0;
  size_t b = kNone, b_zeros = kNone;  // for a B that is packed at every run
};

// int16 elements of all packed matrices of B.
std::optional<int64_t> packed_size(int64_t matrices, int64_t k, int64_t n) {
  const auto columns = checked_add<int64_t>(n, simd::kIntegerPanel - 1);
  const auto area = columns ? checked_mul(*columns, k + 1) : std::nullopt;
  if (!area || !checked_mul(*area, matrices)) return std::nullopt;
  return simd::integer_packed_size(k, n) * matrices;
}

void pack(const TensorView& b, int64_t matrices, int64_t k, int64_t n, const int32_t* zeros,
          int16_t* packed) {
  const simd::ByteMatrix bytes = byte_matrix(b);
  for (int64_t i = 0; i < matrices; ++i) {
    const simd::ByteMatrix one{bytes.data + i * k * n, bytes.is_signed};
    simd::integer_pack_b(one, k, n, n, 1, zeros, packed + i * simd::integer_packed_size(k, n));
  }
}

// Of all rows: one for all, one per row of a matrix, or one per row of the stack.
Status read_row_zeros(const TensorView& given, int64_t m, int64_t rows, int32_t* to) {
  if (!given.present() || given.elements() != m) return read_zeros(given, rows, to);
  for (int64_t row = 0; row + m <= rows && m > 0; row += m) SX_TRY(read_zeros(given, m, to + row));
  return {};
}

class IntegerMatMulKernel final : public Kernel {
 public:
  IntegerMatMulKernel(const IntegerInputs& at, const IntegerEnding& ending)
      : at_(at), ending_(ending) {}
  // Packs a constant B.
  Status prepare(const KernelInit& init);
  Status bind(BindContext& context) const override;
  Status run(const RunContext& context) const override;
  std::string_view name() const override { return "integer_gemm"; }

 private:
  IntegerInputs at_;
  IntegerEnding ending_;
  std::shared_ptr<const Block> b_;  // packed
};

Status IntegerMatMulKernel::prepare(const KernelInit& init) {
  SX_TRY(check_constant_scales(init, at_));
  const ConstantPtr b = fixed_integer_weights(init, at_);
  if (!b || b->shape.rank() == 0) return {};
  const MatrixStack stack = as_stack(b->shape, false);
  const int64_t k = stack.rows, n = stack.columns;
  const int64_t matrices = stack.batch.product(0, stack.batch.rank());
  SX_TRY(check_integer_depth(k));
  IntegerPacking packing;
  packing.name = "integer_gemm.";
  packing.columns = n;
  packing.size = packed_size(matrices, k, n);
  packing.pack = [&](const int32_t* zeros, int16_t* packed) {
    pack(b->view(), matrices, k, n, zeros, packed);
  };
  SX_ASSIGN(b_, pack_integer_weights(init, at_, packing));
  return {};
}

Status IntegerMatMulKernel::bind(BindContext& context) const {
  const TensorView &a = context.inputs[at_.x], &b = context.inputs[at_.w];
  const MatrixStack left = as_stack(a.shape, true), right = as_stack(b.shape, false);
  const auto batch = broadcast(left.batch, right.batch);
  if (!batch || left.columns != right.rows) return matmul_mismatch(a.shape, b.shape);
  SX_TRY(check_integer_depth(left.columns));
  auto plan = std::make_unique<Plan>();
  plan->m = left.rows;
  plan->n = right.columns;
  plan->k = left.columns;
  plan->a_batch = left.batch;
  plan->b_batch = right.batch;
  plan->batch = *batch;
  plan->matrices = batch->product(0, batch->rank());
  plan->rows = left.batch.product(0, left.batch.rank()) * left.rows;
  plan->b_matrices = right.batch.product(0, right.batch.rank());
  if (context.outputs[0].elements() > 0) {
    ScratchLayout scratch;
    SX_ASSIGN(plan->a,
              scratch.add(checked_mul(plan->rows, simd::integer_row(plan->k)), sizeof(int16_t)));
    SX_ASSIGN(plan->a_zeros, scratch.add(plan->rows, sizeof(int32_t)));
    SX_TRY(plan->columns.place(plan->n, plan->n + simd::kIntegerPanel, scratch));
    if (!b_) {
      SX_ASSIGN(plan->b,
                scratch.add(packed_size(plan->b_matrices, plan->k, plan->n), sizeof(int16_t)));
      SX_ASSIGN(plan->b_zeros, scratch.add(plan->n, sizeof(int32_t)));
    }
    context.scratch_bytes = scratch.bytes();
  }
  context.plan = std::move(plan);
  return {};
}

Status IntegerMatMulKernel::run(const RunContext& context) const {
  const Plan& plan = *static_cast<const Plan*>(context.plan);
  if (context.outputs[0].elements() == 0) return {};
  const auto input = [&](size_t i) {
    return context.has_input(i) ? context.inputs[i] : TensorView();
  };
  const int16_t* b = b_ ? b_->as<const int16_t>() : nullptr;
  if (!b) {
    auto* packed = reinterpret_cast<int16_t*>(context.scratch + plan.b);
    auto* zeros = reinterpret_cast<int32_t*>(context.scratch + plan.b_zeros);
    SX_TRY(read_zeros(input(at_.w_zero), plan.n, zeros));
    pack(context.inputs[at_.w], plan.b_matrices, plan.k, plan.n, zeros, packed);
    b = packed;
  }
  auto* a = reinterpret_cast<int16_t*>(context.scratch + plan.a);
  auto* zeros = reinterpret_cast<int32_t*>(context.scratch + plan.a_zeros);
  SX_TRY(read_row_zeros(input(at_.x_zero), plan.m, plan.rows, zeros));
  // One B for all: the rows of all of A's matrices follow each other.
  const bool one = plan.b_matrices == 1;
  const int64_t height = one ? plan.rows : plan.m;
  const int64_t a_matrices = height > 0 ? plan.rows / height : 0;
  SX_TRY(simd::integer_pack_a(byte_matrix(context.inputs[at_.x]), a_matrices, height, plan.k, zeros,
                              a));
  IntegerColumns::Backing backing;
  simd::IntegerOutput output;
  SX_TRY(plan.columns.fill(context, at_, ending_, backing, output));
  if (one) return simd::integer_gemm(plan.rows, plan.n, plan.k, a, b, output);
  const int64_t c_bytes = plan.m * plan.n * output.element_bytes();
  for (int64_t i = 0; i < plan.matrices; ++i) {
    output.data = context.outputs[0].as<uint8_t>() + i * c_bytes;
    SX_TRY(simd::integer_gemm(
        plan.m, plan.n, plan.k,
        a + matrix_index(plan.a_batch, plan.batch, i) * plan.m * simd::integer_row(plan.k),
        b + matrix_index(plan.b_batch, plan.batch, i) * simd::integer_packed_size(plan.k, plan.n),
        output));
  }
  return {};
}

int64_t column_count(const ValueFacts& b) {
  if (!b.has_shape || b.shape.rank() == 0) return kUnknownDim;
  return as_stack(b.shape, false).columns;
}

int64_t row_count(const ValueFacts& a) {
  if (!a.has_shape || a.shape.rank() == 0) return kUnknownDim;
  return as_stack(a.shape, true).rows;
}

// The bias of a fused product is one element per column.
Status check_bias(const InferContext& context, size_t bias, int64_t columns) {
  if (!context.has_input(bias) || !context.inputs[bias].has_shape) return {};
  const Shape& shape = context.inputs[bias].shape;
  const bool known = columns != kUnknownDim && shape.is_known();
  if (shape.rank() == 1 && (!known || shape[0] == columns)) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "a bias of shape %s for %lld columns",
               shape.to_string().c_str(), static_cast<long long>(columns));
}

}  // namespace

Status infer_integer_matmul(InferContext& context, const IntegerInputs& at,
                            const IntegerEnding& ending) {
  const int64_t columns = column_count(context.inputs[at.w]);
  DType dtype = DType::kUndefined;
  const int64_t rows = !at.gives_bytes() ? row_count(context.inputs[at.x]) : 1;
  SX_TRY(check_integer_inputs(context, at, ending, rows, columns, dtype));
  SX_TRY(check_bias(context, at.bias, columns));
  return infer_matmul_shape(context, at.x, at.w, dtype);
}

Result<KernelPtr> make_integer_matmul(const KernelInit& init, const IntegerInputs& at,
                                      const IntegerEnding& ending) {
  auto kernel = std::make_unique<IntegerMatMulKernel>(at, ending);
  SX_TRY(kernel->prepare(init));
  return KernelPtr(std::move(kernel));
}

}  // namespace sardonyx::ops
