// MatMul as NumPy's matmul: stacks of matrices that broadcast, vectors as rows or columns.
// sardonyx.FusedMatMul: y = act(A × B + bias), B one matrix and the bias one number per column.
#include <algorithm>
#include <optional>

#include "ops/activation.h"
#include "ops/gemm_weights.h"
#include "ops/matmul_shape.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/elementwise.h"
#include "simd/gemm.h"

namespace sardonyx::ops {
namespace {

// How B is given to the product.
enum class BForm : uint8_t {
  kPacked,   // packed when the model was compiled
  kDense,    // as it lies
  kScratch,  // packed at every run
};

struct Plan final : StepPlan {
  int64_t m = 0, n = 0, k = 0;
  Block offsets;  // simd::GemmOffsets of each matrix of the output
  int64_t b_matrices = 1;
  BForm b_form = BForm::kDense;

  std::span<simd::GemmOffsets> batch() const {
    return {offsets.as<simd::GemmOffsets>(), offsets.size() / sizeof(simd::GemmOffsets)};
  }
};

BForm choose_form(const Plan& plan) {
  // A single column is read as it is.
  if (plan.n == 1 || plan.k == 0) return BForm::kDense;
  return plan.n >= simd::kPanel && plan.m <= kInPlaceRows ? BForm::kDense : BForm::kScratch;
}

// Shapes have passed the shape rule.
Result<std::unique_ptr<Plan>> make_plan(const TensorView& a, const TensorView& b,
                                        std::optional<BForm> form) {
  const MatrixStack left = as_stack(a.shape, true), right = as_stack(b.shape, false);
  const auto out = broadcast(left.batch, right.batch);
  if (!out || left.columns != right.rows) return matmul_mismatch(a.shape, b.shape);
  auto plan = std::make_unique<Plan>();
  plan->n = right.columns;
  plan->k = left.columns;
  plan->b_matrices = right.batch.product(0, right.batch.rank());
  int64_t matrices = out->product(0, out->rank());
  plan->m = left.rows;
  if (plan->b_matrices == 1) {
    // One B for all: the rows of all of A's matrices follow each other.
    plan->m *= matrices;
    matrices = std::min<int64_t>(matrices, 1);
  }
  plan->b_form = form ? *form : choose_form(*plan);
  if (matrices == 0 || plan->m == 0 || plan->n == 0) return plan;

  // As many as the output has elements at most: no overflow.
  SX_ASSIGN(plan->offsets,
            Block::allocate(static_cast<uint64_t>(matrices) * sizeof(simd::GemmOffsets)));
  const bool dense = plan->b_form == BForm::kDense;
  const int64_t b_size = dense ? plan->k * plan->n : simd::gemm_packed_size(plan->k, plan->n);
  for (int64_t i = 0; i < matrices; ++i) {
    plan->batch()[static_cast<size_t>(i)] = {
        .a = matrix_index(left.batch, *out, i) * plan->m * plan->k,
        .b = matrix_index(right.batch, *out, i) * b_size,
        .c = i * plan->m * plan->n};
  }
  return plan;
}

class FloatMatMul final : public Kernel {
 public:
  FloatMatMul(PackedWeights packed_b, const simd::Activation& activation)
      : packed_b_(std::move(packed_b)), activation_(activation) {}

  Status bind(BindContext& context) const override {
    const auto form = packed_b_ ? std::optional(BForm::kPacked) : std::nullopt;
    SX_ASSIGN(auto plan, make_plan(context.inputs[0], context.inputs[1], form));
    if (plan->b_form == BForm::kScratch) {
      SX_ASSIGN(context.scratch_bytes, packed_bytes(weights(*plan)));
    }
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const Plan& plan = *static_cast<const Plan*>(context.plan);
    if (plan.batch().empty()) return {};
    const auto* a = context.inputs[0].as<const float>();
    const auto* b = context.inputs[1].as<const float>();
    auto* c = context.outputs[0].as<float>();
    const bool dense = plan.b_form == BForm::kDense;
    simd::GemmEpilogue epilogue;
    epilogue.activation = activation_;
    if (context.has_input(2)) epilogue.column_bias = context.inputs[2].as<const float>();
    if (dense && plan.n < simd::kPanel) {
      SX_TRY(run_columns(plan, a, b, c));
      finish_rows(plan, epilogue, c);
      return {};
    }
    if (plan.b_form == BForm::kScratch) {
      auto* scratch = reinterpret_cast<float*>(context.scratch);
      SX_TRY(pack_weights(b, weights(plan), scratch));
      b = scratch;
    }
    const simd::GemmShape shape{.m = plan.m,
                                .n = plan.n,
                                .k = plan.k,
                                .a_stride = plan.k,
                                .c_stride = plan.n,
                                .b_stride = dense ? plan.n : 0};
    simd::GemmOperands operands{a, b, c};
    packed_b_.give(operands);
    return simd::gemm(shape, operands, plan.batch(), epilogue);
  }
  std::string_view name() const override { return packed_b_.kernel_name(); }

 private:
  static WeightLayout weights(const Plan& plan) {
    return {.count = plan.b_matrices, .k = plan.k, .n = plan.n};
  }
  // A single column, or no products at all.
  static Status run_columns(const Plan& plan, const float* a, const float* b, float* c) {
    if (plan.k != 0) return simd::gemv_rows(plan.m, plan.k, a, b, c, plan.batch());
    for (const simd::GemmOffsets& at : plan.batch()) {
      std::fill_n(c + at.c, plan.m * plan.n, 0.0f);
    }
    return {};
  }

  static void finish_rows(const Plan& plan, const simd::GemmEpilogue& epilogue, float* c) {
    const int64_t rows = static_cast<int64_t>(plan.batch().size()) * plan.m;
    for (int64_t i = 0; i < rows && epilogue.column_bias; ++i) {
      float* row = c + i * plan.n;
      simd::binary(simd::BinaryKind::kAdd, {row}, {epilogue.column_bias}, row, plan.n);
    }
    simd::activate(epilogue.activation, c, rows * plan.n);
  }

  PackedWeights packed_b_;
  simd::Activation activation_;
};

// Integers and doubles: plain loops. Integers wrap.
template <typename T>
void multiply(const Plan& plan, const T* a, const T* b, T* c) {
  for (int64_t i = 0; i < plan.m; ++i) {
    T* row = c + i * plan.n;
    for (int64_t j = 0; j < plan.n; ++j) row[j] = 0;
    for (int64_t p = 0; p < plan.k; ++p) {
      const T x = a[i * plan.k + p];
      for (int64_t j = 0; j < plan.n; ++j) row[j] += x * b[p * plan.n + j];
    }
  }
}

class PlainMatMul final : public Kernel {
 public:
  Status bind(BindContext& context) const override {
    SX_ASSIGN(auto plan, make_plan(context.inputs[0], context.inputs[1], BForm::kDense));
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const DType dtype = context.inputs[0].dtype;
    if (dtype == DType::kFloat64) return run_as<double>(context);
    const bool wide = dtype == DType::kInt64 || dtype == DType::kUint64;
    return wide ? run_as<uint64_t>(context) : run_as<uint32_t>(context);
  }

 private:
  template <typename T>
  Status run_as(const RunContext& context) const {
    const Plan& plan = *static_cast<const Plan*>(context.plan);
    for (const simd::GemmOffsets& at : plan.batch()) {
      multiply(plan, context.inputs[0].as<const T>() + at.a, context.inputs[1].as<const T>() + at.b,
               context.outputs[0].as<T>() + at.c);
    }
    return {};
  }
};

Result<KernelPtr> make_float_matmul(const KernelInit& init) {
  const ConstantPtr& b = init.inputs[1].constant;
  PackedWeights packed;
  if (b && b->shape.rank() >= 1) {
    const MatrixStack stack = as_stack(b->shape, false);
    // A single column is read as it is.
    if (stack.columns > 1) {
      SX_ASSIGN(packed, pack_constant(init, 1,
                                      {.count = stack.batch.product(0, stack.batch.rank()),
                                       .k = stack.rows,
                                       .n = stack.columns}));
    }
  }
  SX_ASSIGN(const simd::Activation activation, parse_activation(init.attributes));
  return KernelPtr(std::make_unique<FloatMatMul>(std::move(packed), activation));
}

bool is_row(const ValueFacts& bias, int64_t columns) {
  if (!bias.has_shape) return true;
  return bias.shape.rank() == 1 && (bias.shape[0] < 0 || columns < 0 || bias.shape[0] == columns);
}

}  // namespace

Status infer_matmul(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  SX_TRY(check_dtype(context, 0,
                     {DType::kFloat32, DType::kFloat16, DType::kBfloat16, DType::kFloat64,
                      DType::kInt32, DType::kInt64, DType::kUint32, DType::kUint64}));
  SX_TRY(check_same_dtype(context, 0, 1));
  return infer_matmul_shape(context, 0, 1, context.inputs[0].dtype);
}

Status infer_fused_matmul(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  SX_TRY(check_dtype(context, 0, {DType::kFloat32, DType::kFloat16, DType::kBfloat16}));
  SX_TRY(check_same_dtype(context, 0, 1));
  SX_TRY(check_same_dtype(context, 0, 2));
  SX_TRY(parse_activation(context.attributes).take_status());
  SX_TRY(infer_matmul_shape(context, 0, 1, context.inputs[0].dtype));
  const ValueFacts& b = context.inputs[1];
  const bool matrix = !b.has_shape || b.shape.rank() == 2;
  if (!matrix || (context.has_input(2) && b.has_shape && !is_row(context.inputs[2], b.shape[1]))) {
    return error(ErrorCode::SHAPE_MISMATCH, "B of shape %s and its bias: [K, N] and [N] are wanted",
                 b.shape.to_string().c_str());
  }
  return {};
}

Result<KernelPtr> make_fused_matmul(const KernelInit& init) {
  return widened(init, make_float_matmul);
}

Result<KernelPtr> make_matmul(const KernelInit& init) {
  switch (init.inputs[0].dtype) {
    case DType::kFloat32:
    case DType::kFloat16:
    case DType::kBfloat16:
      return widened(init, make_float_matmul);
    default:
      return KernelPtr(std::make_unique<PlainMatMul>());
  }
}

}  // namespace sardonyx::ops
