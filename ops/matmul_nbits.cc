// MatMulNBits of com.microsoft: a product with weights of 2, 4 or 8 bits that have a scale and a
// zero point per block of K.
#include <algorithm>
#include <array>
#include <string>

#include "ops/nbits_weights.h"
#include "ops/operator.h"
#include "ops/quantization.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/gemm.h"
#include "simd/nbits_dot.h"
#include "simd/nbits_integer.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

// Weights are made floats for so many columns and so much of K at once: 32 KB, and as much packed.
constexpr int64_t kColumns = 2 * simd::kPanel;
constexpr int64_t kDepth = 512;
// Weights of so many elements are kept as floats: what a call costs is more than what they save.
constexpr int64_t kSmall = 1 << 15;
// Up to so many rows, columns are dot products, if blocks are large enough.
constexpr int64_t kDotRows = 2 * simd::kNBitsRows;
constexpr double kNsPerWeight = 0.6, kNsPerProduct = 0.03;
constexpr double kNsPerDotWeight = 0.1;
constexpr double kNsPerIntegerWeight = 0.04, kNsPerIntegerProduct = 0.016;
// The accuracy_level that lets rows be rounded to int8.
constexpr int64_t kRoundsToInt8 = 4;

// How a product is computed.
enum class Way : uint8_t {
  kFloats,    // weights are floats from the start
  kPanels,    // weights become floats, some at a time
  kDots,      // few rows, weights unpacked in registers
  kIntegers,  // rows become int8
};

struct Plan final : StepPlan {
  int64_t rows = 0;
  Way way = Way::kFloats;
  int threads = 1;
  int64_t thread_floats = 0;               // scratch memory of each thread
  size_t ordered = 0;                      // rows as simd::nbits_dot takes them
  size_t bytes = 0, scales = 0, sums = 0;  // of simd::RoundedRows
};

class NBitsKernel final : public Kernel {
 public:
  NBitsKernel(const NBitsWeights& weights, bool rounds)
      : w_(weights), rounds_(rounds && simd::is_taken_by_integers(weights.format())) {}

  // Makes floats of small constant weights.
  Status prepare(const KernelInit& init) {
    std::array<TensorView, kGroups> inputs;
    std::string key = "matmul_nbits";
    for (size_t i : {size_t{kB}, size_t{kScales}, size_t{kZeros}}) {
      if (!init.has_input(i)) continue;
      const ConstantPtr& constant = init.inputs[i].constant;
      if (!constant || (i != kB && !is_parameter(constant->dtype))) return {};
      inputs[i] = constant->view();
      key += "." + std::to_string(reinterpret_cast<uintptr_t>(constant.get()));
    }
    if (w_.n * w_.k > kSmall) return {};
    SX_ASSIGN(floats_,
              init.packs.get(init.inputs[kB].constant, key, [&] { return packed_floats(inputs); }));
    init.consumed(kB);
    return {};
  }

  Status bind(BindContext& context) const override {
    auto plan = std::make_unique<Plan>();
    plan->rows = context.inputs[kA].elements() / w_.k;
    plan->way = way_for(plan->rows);
    if (plan->way != Way::kFloats) {
      const int64_t columns = plan->way == Way::kIntegers ? simd::kNBitsColumns : kColumns;
      plan->threads =
          static_cast<int>(std::min<int64_t>(ceil_div(w_.n, columns), simd::threads_wanted()));
      ScratchLayout scratch;
      SX_TRY(lay_out(*plan, scratch));
      context.scratch_bytes = scratch.bytes();
    }
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const Plan& plan = *static_cast<const Plan*>(context.plan);
    if (context.has_input(kGroups)) SX_TRY(check_groups(context.inputs[kGroups]));
    if (plan.rows == 0) return {};
    switch (plan.way) {
      case Way::kFloats:
        return multiply_floats(context, plan.rows);
      case Way::kPanels:
        return run_panels(context, plan);
      case Way::kDots:
        return run_dots(context, plan);
      case Way::kIntegers:
        return run_integers(context, plan);
    }
  }
  std::string_view name() const override {
    if (rounds_ && !floats_) return "matmul_4bit_int8";
    return w_.bits == 4 ? "matmul_4bit" : w_.bits == 8 ? "matmul_8bit" : "matmul_2bit";
  }

 private:
  Way way_for(int64_t rows) const {
    if (floats_) return Way::kFloats;
    if (rounds_) return Way::kIntegers;
    return rows <= kDotRows && w_.format().is_taken() ? Way::kDots : Way::kPanels;
  }

  Status lay_out(Plan& plan, ScratchLayout& scratch) const {
    const simd::NBitsFormat format = w_.format();
    plan.thread_floats = plan.way == Way::kPanels ? 2 * kColumns * kDepth
                         : plan.way == Way::kDots ? w_.blocks()
                                                  : simd::kNBitsColumns * w_.blocks() +
                                                        simd::nbits_integer_floats(format);
    SX_TRY(
        scratch.add_floats(checked_mul<int64_t>(plan.threads, plan.thread_floats)).take_status());
    if (plan.way == Way::kDots) {
      const int64_t rows = round_up<int64_t>(plan.rows, simd::kNBitsRows);
      SX_ASSIGN(plan.ordered, scratch.add_floats(checked_mul(rows, format.ordered_floats())));
    }
    if (plan.way == Way::kIntegers) {
      const int64_t rows = round_up(plan.rows, simd::RoundedRows{.count = plan.rows}.in_tile());
      const int64_t k = w_.blocks() * w_.block;
      SX_ASSIGN(plan.bytes, scratch.add(checked_mul(rows, k), 1));
      SX_ASSIGN(plan.scales, scratch.add_floats(checked_mul(rows, k / simd::kRoundedGroup)));
      SX_ASSIGN(plan.sums, scratch.add_floats(checked_mul(rows, w_.blocks())));
    }
    return {};
  }

  static float* thread_memory(const RunContext& context, const Plan& plan, int thread) {
    return reinterpret_cast<float*>(context.scratch) + thread * plan.thread_floats;
  }

  // Columns in the order in which they were quantized are the only ones there are.
  Status check_groups(const TensorView& groups) const {
    for (int64_t i = 0; i < w_.k; ++i) {
      if (groups.as<const int32_t>()[i] == i / w_.block) continue;
      return error(ErrorCode::VALUE_RANGE, "g_idx reorders the blocks, which is not supported");
    }
    return {};
  }

  static bool is_parameter(DType dtype) {
    return dtype == DType::kFloat32 || dtype == DType::kUint8;
  }

  Result<Block> packed_floats(std::span<const TensorView> inputs) const {
    const auto bytes = static_cast<uint64_t>(simd::gemm_packed_size(w_.k, w_.n)) * sizeof(float);
    SX_ASSIGN(Block packed, Block::allocate(bytes));
    SX_ASSIGN(const Block plain,
              Block::allocate(static_cast<uint64_t>(w_.k * w_.n) * sizeof(float)));
    for (int64_t column = 0; column < w_.n; ++column) {
      for (int64_t i = 0; i < w_.blocks(); ++i) {
        const int64_t first = i * w_.block;
        w_.dequantize(inputs, column, i, std::min(w_.block, w_.k - first),
                      plain.as<float>() + column * w_.k + first);
      }
    }
    simd::gemm_pack_b(plain.as<const float>(), w_.k, w_.n, 1, w_.k, 1.0f, 0,
                      ceil_div<int64_t>(w_.n, simd::kPanel), packed.as<float>());
    return packed;
  }

  Status multiply_floats(const RunContext& context, int64_t rows) const {
    const simd::GemmShape shape{
        .m = rows, .n = w_.n, .k = w_.k, .a_stride = w_.k, .c_stride = w_.n};
    simd::GemmEpilogue epilogue;
    if (context.has_input(kBias)) epilogue.column_bias = context.inputs[kBias].as<const float>();
    return simd::gemm(shape,
                      {context.inputs[kA].as<const float>(), floats_->as<const float>(),
                       context.outputs[0].as<float>()},
                      epilogue);
  }

  Status run_panels(const RunContext& context, const Plan& plan) const {
    const double ns_per_column =
        (kNsPerWeight + kNsPerProduct * static_cast<double>(plan.rows)) * static_cast<double>(w_.k);
    const int64_t grain = simd::grain_for(ns_per_column * kColumns);
    return simd::parallel_for(ceil_div(w_.n, kColumns), grain, plan.threads,
                              [&](int64_t begin, int64_t end, int thread) {
                                float* memory = thread_memory(context, plan, thread);
                                for (int64_t i = begin; i < end; ++i) {
                                  const int64_t first = i * kColumns;
                                  const int64_t count = std::min(kColumns, w_.n - first);
                                  for (int64_t depth = 0; depth < w_.k; depth += kDepth) {
                                    multiply(context, plan.rows, first, count, depth, memory);
                                  }
                                }
                              });
  }

  Status run_dots(const RunContext& context, const Plan& plan) const {
    const simd::NBitsFormat format = w_.format();
    auto* ordered = reinterpret_cast<float*>(context.scratch + plan.ordered);
    const float* a = context.inputs[kA].as<const float>();
    for (int64_t row = 0; row < plan.rows; ++row) {
      simd::order_for_nbits(format, a + row * w_.k, ordered + row * format.ordered_floats());
    }
    const double ns = kNsPerDotWeight * static_cast<double>(plan.rows * w_.k);
    return simd::parallel_for(w_.n, simd::grain_for(ns), plan.threads,
                              [&](int64_t begin, int64_t end, int thread) {
                                float* memory = thread_memory(context, plan, thread);
                                for (int64_t column = begin; column < end; ++column) {
                                  dot_column(context, plan.rows, ordered, column, memory);
                                }
                              });
  }

  // `count` columns from `first` on; `memory` may take their zero points.
  simd::NBitsColumns columns(const RunContext& context, int64_t first, int64_t count,
                             float* memory) const {
    const int64_t at = first * w_.blocks();
    return {.count = count,
            .packed = context.inputs[kB].as<const uint8_t>() + at * w_.blob(),
            .scales = context.inputs[kScales].as<const float>() + at,
            .zeros = w_.zeros(context.inputs, first, count, memory),
            .bias = context.has_input(kBias) ? context.inputs[kBias].as<const float>() + first
                                             : nullptr};
  }

  void dot_column(const RunContext& context, int64_t rows, const float* ordered, int64_t column,
                  float* memory) const {
    const simd::NBitsFormat format = w_.format();
    const simd::NBitsColumns one = columns(context, column, 1, memory);
    float* c = context.outputs[0].as<float>() + column;
    for (int64_t row = 0; row < rows; row += simd::kNBitsRows) {
      simd::nbits_dot(format, ordered + row * format.ordered_floats(),
                      std::min<int64_t>(simd::kNBitsRows, rows - row), one.packed, one.scales,
                      one.zeros, one.bias ? *one.bias : 0.0f, c + row * w_.n, w_.n);
    }
  }

  Status run_integers(const RunContext& context, const Plan& plan) const {
    const simd::NBitsFormat format = w_.format();
    const simd::RoundedRows rows{.count = plan.rows,
                                 .bytes = reinterpret_cast<int8_t*>(context.scratch + plan.bytes),
                                 .scales = reinterpret_cast<float*>(context.scratch + plan.scales),
                                 .sums = reinterpret_cast<float*>(context.scratch + plan.sums)};
    SX_TRY(simd::round_rows(format, context.inputs[kA].as<const float>(), rows));
    const double ns_per_column =
        (kNsPerIntegerWeight + kNsPerIntegerProduct * static_cast<double>(plan.rows)) *
        static_cast<double>(w_.k);
    return simd::parallel_for(
        ceil_div(w_.n, simd::kNBitsColumns), simd::grain_for(ns_per_column * simd::kNBitsColumns),
        plan.threads, [&](int64_t begin, int64_t end, int thread) {
          float* memory = thread_memory(context, plan, thread);
          for (int64_t i = begin; i < end; ++i) {
            const int64_t first = i * simd::kNBitsColumns;
            const int64_t count = std::min(simd::kNBitsColumns, w_.n - first);
            simd::nbits_integer_product(
                format, rows,
                columns(context, first, count, memory + simd::nbits_integer_floats(format)), memory,
                context.outputs[0].as<float>() + first, w_.n);
          }
        });
  }

  // What K from `depth` on adds to columns [first, first + count).
  void multiply(const RunContext& context, int64_t rows, int64_t first, int64_t count,
                int64_t depth, float* memory) const {
    const int64_t k = std::min(kDepth, w_.k - depth);
    for (int64_t column = 0; column < count; ++column) {
      for (int64_t i = 0; i < k; i += w_.block) {
        w_.dequantize(context.inputs, first + column, (depth + i) / w_.block,
                      std::min(w_.block, k - i), memory + column * k + i);
      }
    }
    const float* a = context.inputs[kA].as<const float>() + depth;
    float* c = context.outputs[0].as<float>() + first;
    const float* bias = depth == 0 && context.has_input(kBias)
                            ? context.inputs[kBias].as<const float>() + first
                            : nullptr;
    float* packed = memory + kColumns * kDepth;
    const int64_t panels = ceil_div<int64_t>(count, simd::kPanel);
    simd::gemm_pack_b(memory, k, count, 1, k, 1.0f, 0, panels, packed);
    simd::GemmEpilogue epilogue;
    epilogue.column_bias = bias;
    if (depth > 0) {
      epilogue.add = c;
      epilogue.add_stride = w_.n;
    }
    const simd::GemmShape shape{.m = rows, .n = count, .k = k, .a_stride = w_.k, .c_stride = w_.n};
    simd::gemm_block(shape, {a, packed, c}, epilogue, 0, rows, 0, panels);
  }

  NBitsWeights w_;
  bool rounds_;                          // rows to int8
  std::shared_ptr<const Block> floats_;  // packed
};

}  // namespace

Status infer_matmul_nbits(InferContext& context) {
  SX_TRY(check_arity(context, 3, 6));
  SX_ASSIGN(const NBitsWeights w, nbits_weights(context.attributes));
  SX_TRY(check_dtype(context, kA, {DType::kFloat32, DType::kFloat16, DType::kBfloat16}));
  SX_TRY(check_dtype(context, kB, {DType::kUint8}));
  SX_TRY(check_same_dtype(context, kA, kScales));
  SX_TRY(check_same_dtype(context, kA, kBias));
  const DType dtype = context.inputs[kA].dtype;
  SX_TRY(check_dtype(context, kZeros, {DType::kUint8, dtype}));
  SX_TRY(check_dtype(context, kGroups, {DType::kInt32}));
  if (context.attributes.get_int("weight_prepacked", 0) != 0) {
    return error(ErrorCode::MODEL_UNSUPPORTED, "weight_prepacked is not supported");
  }
  SX_TRY(check_nbits_weights(context, w));
  const ValueFacts& a = context.inputs[kA];
  if (!a.has_shape) {
    context.set_output_unknown(0, dtype);
    return {};
  }
  Shape shape = a.shape;
  const int last = shape.rank() - 1;
  if (last < 0 || (shape[last] >= 0 && shape[last] != w.k)) {
    return error(ErrorCode::SHAPE_MISMATCH, "an input of shape %s, and K is %lld",
                 shape.to_string().c_str(), static_cast<long long>(w.k));
  }
  shape[last] = w.n;
  context.set_output(0, dtype, shape);
  return {};
}

Result<KernelPtr> make_matmul_nbits(const KernelInit& init) {
  SX_TRY(check_constant_scale(init, kScales, ScaleSign::kAny));
  return widened(init, [](const KernelInit& wide) -> Result<KernelPtr> {
    SX_ASSIGN(const NBitsWeights w, nbits_weights(wide.attributes));
    auto kernel = std::make_unique<NBitsKernel>(
        w, wide.attributes.get_int("accuracy_level", 0) == kRoundsToInt8);
    SX_TRY(kernel->prepare(wide));
    return KernelPtr(std::move(kernel));
  });
}

}  // namespace sardonyx::ops
