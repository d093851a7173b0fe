// Gemm: alpha * A' * B' + beta * C, and com.microsoft FusedGemm with an activation after it.
#include <algorithm>
#include <type_traits>

#include "ops/activation.h"
#include "ops/gemm_weights.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/elementwise.h"
#include "simd/gemm.h"

namespace sardonyx::ops {
namespace {

Status mismatch(const ValueFacts& a, const ValueFacts& b) {
  return error(ErrorCode::SHAPE_MISMATCH, "shapes %s and %s do not multiply",
               a.shape.to_string().c_str(), b.shape.to_string().c_str());
}

struct Params {
  float alpha = 1.0f, beta = 1.0f;
  bool transpose_a = false, transpose_b = false;
  simd::Activation activation;
};

struct Dims {
  int64_t m = 0, n = 0, k = 0;
};

// What the addend C is to the product.
enum class Addend : uint8_t { kNone, kScalar, kRow, kColumn, kMatrix };

// C broadcasts to [m, n].
Addend addend_of(const TensorView& c, const Dims& dims) {
  const int64_t elements = c.elements();
  if (elements == 1) return Addend::kScalar;
  const int64_t columns = c.shape[c.shape.rank() - 1];
  if (elements == columns && columns == dims.n) return Addend::kRow;
  return columns == 1 ? Addend::kColumn : Addend::kMatrix;
}

class GemmKernel final : public Kernel {
 public:
  GemmKernel(const Params& params, PackedWeights packed_b)
      : params_(params), packed_b_(std::move(packed_b)) {}

  Status bind(BindContext& context) const override {
    auto plan = std::make_unique<Plan>(plan_for(context.inputs));
    SX_TRY(plan->layout_scratch(context, weights(plan->dims), params_));
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const Plan& plan = *static_cast<const Plan*>(context.plan);
    const Dims& dims = plan.dims;
    if (dims.m == 0 || dims.n == 0) return {};
    const auto* a = context.inputs[0].as<const float>();
    if (plan.transpose_a) {
      auto* rows = plan.at(context, plan.a_offset);
      simd::transpose_matrix(a, dims.k, dims.m, dims.m, rows);
      a = rows;
    }
    const auto* b = context.inputs[1].as<const float>();
    if (plan.pack_b) {
      auto* panels = plan.at(context, plan.b_offset);
      SX_TRY(pack_weights(b, weights(dims), panels));
      b = panels;
    }
    const simd::GemmShape shape{.m = dims.m,
                                .n = dims.n,
                                .k = dims.k,
                                .a_stride = dims.k,
                                .c_stride = dims.n,
                                .b_stride = plan.in_place ? dims.n : 0};
    simd::GemmOperands operands{a, b, context.outputs[0].as<float>()};
    packed_b_.give(operands);
    return simd::gemm(shape, operands, epilogue(context, plan));
  }
  std::string_view name() const override { return packed_b_.kernel_name(); }

 private:
  struct Plan final : StepPlan {
    Dims dims;
    bool transpose_a = false;
    bool pack_b = false;    // into scratch
    bool in_place = false;  // B read where it lies
    Addend addend = Addend::kNone;
    int64_t addend_size = 0;                           // floats that C has, n for a scalar
    int64_t a_offset = 0, b_offset = 0, c_offset = 0;  // floats into scratch

    float* at(const RunContext& context, int64_t offset) const {
      return reinterpret_cast<float*>(context.scratch) + offset;
    }
    bool copies_addend(const Params& params) const {
      return addend == Addend::kScalar || (addend != Addend::kNone && params.beta != 1.0f);
    }
    Status layout_scratch(BindContext& context, const WeightLayout& weights, const Params& params) {
      // A and C are tensors in memory, so their sizes add up without overflow.
      int64_t floats = 0;
      const auto place = [&](bool wanted, int64_t size) {
        const int64_t offset = floats;
        if (wanted) floats += round_up<int64_t>(size, 16);
        return offset;
      };
      a_offset = place(transpose_a, dims.m * dims.k);
      c_offset = place(copies_addend(params), addend_size);
      if (pack_b) {
        SX_ASSIGN(const size_t bytes, packed_bytes(weights));
        b_offset = place(true, static_cast<int64_t>(bytes / sizeof(float)));
      }
      context.scratch_bytes = static_cast<size_t>(floats) * sizeof(float);
      return {};
    }
  };

  Plan plan_for(std::span<const TensorView> inputs) const {
    Plan plan;
    const Shape &a = inputs[0].shape, &b = inputs[1].shape;
    Dims& dims = plan.dims;
    dims = {a[params_.transpose_a ? 1 : 0], b[params_.transpose_b ? 0 : 1],
            a[params_.transpose_a ? 0 : 1]};
    // A single row or column is the same either way.
    plan.transpose_a = params_.transpose_a && dims.m != 1 && dims.k != 1;
    if (!packed_b_) {
      const bool as_is = !params_.transpose_b && params_.alpha == 1.0f;
      plan.in_place = as_is && dims.n >= simd::kPanel && dims.m <= kInPlaceRows;
      plan.pack_b = !plan.in_place;
    }
    if (inputs.size() > 2 && inputs[2].present() && params_.beta != 0.0f) {
      plan.addend = addend_of(inputs[2], dims);
      plan.addend_size = plan.addend == Addend::kScalar ? dims.n : inputs[2].elements();
    }
    return plan;
  }

  WeightLayout weights(const Dims& dims) const {
    return {.k = dims.k, .n = dims.n, .transposed = params_.transpose_b, .scale = params_.alpha};
  }

  simd::GemmEpilogue epilogue(const RunContext& context, const Plan& plan) const {
    simd::GemmEpilogue epilogue;
    epilogue.activation = params_.activation;
    if (plan.addend == Addend::kNone) return epilogue;
    const auto* c = context.inputs[2].as<const float>();
    if (plan.copies_addend(params_)) {
      float* copy = plan.at(context, plan.c_offset);
      if (plan.addend == Addend::kScalar) {
        std::fill_n(copy, plan.addend_size, *c * params_.beta);
      } else {
        simd::binary(simd::BinaryKind::kMul, {c}, {&params_.beta, true}, copy, plan.addend_size);
      }
      c = copy;
    }
    if (plan.addend == Addend::kColumn) {
      epilogue.row_bias = c;
    } else if (plan.addend == Addend::kMatrix) {
      epilogue.add = c;
      epilogue.add_stride = plan.dims.n;
    } else {
      epilogue.column_bias = c;
    }
    return epilogue;
  }

  Params params_;
  PackedWeights packed_b_;
};

// Integers and doubles: plain loops. Integers wrap and take alpha and beta as whole numbers.
template <typename T>
T whole_or_real(float factor) {
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(factor);
  const bool fits = factor > -9e18f && factor < 9e18f;
  return fits ? static_cast<T>(static_cast<int64_t>(factor)) : T{0};
}

template <typename T>
void plain_gemm(const Params& params, const RunContext& context) {
  const TensorView &a = context.inputs[0], &b = context.inputs[1], &y = context.outputs[0];
  const int64_t m = y.shape[0], n = y.shape[1], k = a.shape[params.transpose_a ? 0 : 1];
  const T alpha = whole_or_real<T>(params.alpha), beta = whole_or_real<T>(params.beta);
  const bool has_addend = context.has_input(2);
  const TensorView& c = context.inputs[has_addend ? 2 : 0];
  const Addend addend = has_addend && m && n ? addend_of(c, {m, n, k}) : Addend::kNone;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      T sum = 0;
      for (int64_t p = 0; p < k; ++p) {
        sum += a.as<const T>()[params.transpose_a ? p * m + i : i * k + p] *
               b.as<const T>()[params.transpose_b ? j * k + p : p * n + j];
      }
      sum *= alpha;
      if (addend != Addend::kNone) {
        const int64_t at = addend == Addend::kScalar   ? 0
                           : addend == Addend::kRow    ? j
                           : addend == Addend::kColumn ? i
                                                       : i * n + j;
        sum += beta * c.as<const T>()[at];
      }
      y.as<T>()[i * n + j] = sum;
    }
  }
}

class PlainGemmKernel final : public Kernel {
 public:
  explicit PlainGemmKernel(const Params& params) : params_(params) {}
  Status run(const RunContext& context) const override {
    switch (context.inputs[0].dtype) {
      case DType::kFloat64:
        plain_gemm<double>(params_, context);
        break;
      case DType::kInt64:
      case DType::kUint64:
        plain_gemm<uint64_t>(params_, context);
        break;
      default:
        plain_gemm<uint32_t>(params_, context);
    }
    return {};
  }

 private:
  Params params_;
};

Status infer(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  SX_TRY(check_same_dtype(context, 0, 1));
  SX_TRY(check_same_dtype(context, 0, 2));
  const ValueFacts &a = context.inputs[0], &b = context.inputs[1];
  for (size_t i = 0; i < 2; ++i) {
    const ValueFacts& operand = context.inputs[i];
    if (operand.has_shape && operand.shape.rank() != 2) {
      return error(ErrorCode::SHAPE_MISMATCH, "input %zu has shape %s, not two dims", i,
                   operand.shape.to_string().c_str());
    }
  }
  const bool transpose_a = context.attributes.get_int("transA", 0) != 0;
  const bool transpose_b = context.attributes.get_int("transB", 0) != 0;
  Shape out{kUnknownDim, kUnknownDim};
  if (a.has_shape) out[0] = a.shape[transpose_a ? 1 : 0];
  if (b.has_shape) out[1] = b.shape[transpose_b ? 0 : 1];
  if (a.has_shape && b.has_shape) {
    const int64_t left = a.shape[transpose_a ? 0 : 1], right = b.shape[transpose_b ? 1 : 0];
    if (left != right && left != kUnknownDim && right != kUnknownDim) return mismatch(a, b);
  }
  if (context.has_input(2) && context.inputs[2].has_shape) {
    // C must broadcast to the product, not the product to C.
    const Shape& c = context.inputs[2].shape;
    bool fits = c.rank() <= 2;
    for (int back = 1; fits && back <= c.rank(); ++back) {
      const int64_t own = c[c.rank() - back], whole = out[2 - back];
      fits = own == 1 || own == whole || own == kUnknownDim || whole == kUnknownDim;
    }
    if (!fits) {
      return error(ErrorCode::SHAPE_MISMATCH, "input 2 of shape %s does not broadcast to %s",
                   c.to_string().c_str(), out.to_string().c_str());
    }
  }
  context.set_output(0, a.dtype, out);
  return {};
}

Params read_params(const Attributes& attributes) {
  return {.alpha = attributes.get_float("alpha", 1.0f),
          .beta = attributes.get_float("beta", 1.0f),
          .transpose_a = attributes.get_int("transA", 0) != 0,
          .transpose_b = attributes.get_int("transB", 0) != 0,
          .activation = {}};
}

template <bool kFused>
Result<KernelPtr> make_float(const KernelInit& init) {
  Params params = read_params(init.attributes);
  if constexpr (kFused) {
    SX_ASSIGN(params.activation, parse_activation(init.attributes));
  }
  const ConstantPtr& b = init.inputs[1].constant;
  PackedWeights packed;
  if (b && b->shape.rank() == 2) {
    SX_ASSIGN(packed, pack_constant(init, 1,
                                    {.k = b->shape[params.transpose_b ? 1 : 0],
                                     .n = b->shape[params.transpose_b ? 0 : 1],
                                     .transposed = params.transpose_b,
                                     .scale = params.alpha}));
  }
  return KernelPtr(std::make_unique<GemmKernel>(params, std::move(packed)));
}

bool is_plain(DType dtype) {
  return dtype != DType::kFloat32 && dtype != DType::kFloat16 && dtype != DType::kBfloat16;
}

}  // namespace

Status infer_gemm(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  SX_TRY(check_dtype(context, 0,
                     {DType::kFloat32, DType::kFloat16, DType::kBfloat16, DType::kFloat64,
                      DType::kInt32, DType::kInt64, DType::kUint32, DType::kUint64}));
  return infer(context);
}

Result<KernelPtr> make_gemm(const KernelInit& init) {
  if (!is_plain(init.inputs[0].dtype)) return widened(init, make_float<false>);
  return KernelPtr(std::make_unique<PlainGemmKernel>(read_params(init.attributes)));
}

Status infer_fused_gemm(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  SX_TRY(check_dtype(context, 0, {DType::kFloat32, DType::kFloat16, DType::kBfloat16}));
  SX_TRY(parse_activation(context.attributes).take_status());
  return infer(context);
}

Result<KernelPtr> make_fused_gemm(const KernelInit& init) {
  return widened(init, make_float<true>);
}

}  // namespace sardonyx::ops
