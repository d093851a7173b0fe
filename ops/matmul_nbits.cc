// MatMulNBits of com.microsoft: a product with weights of 2, 4 or 8 bits that have a scale and a
// zero point per block of K.
#include <algorithm>
#include <array>
#include <string>

#include "ops/operator.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/elementwise.h"
#include "simd/gemm.h"
#include "simd/nbits_dot.h"
#include "simd/parallel.h"
#include "simd/quantize.h"
#include "simd/unpack_bits.h"

namespace sardonyx::ops {
namespace {

enum Input : size_t { kA, kB, kScales, kZeros, kGroups, kBias };

// Weights are made floats for so many columns and so much of K at once: 32 KB, and as much packed.
constexpr int64_t kColumns = 2 * simd::kPanel;
constexpr int64_t kDepth = 512;
constexpr int64_t kLargestBlock = 256;
// Weights of so many elements are kept as floats: what a call costs is more than what they save.
constexpr int64_t kSmall = 1 << 15;
// Up to so many rows, columns are dot products, if blocks are large enough.
constexpr int64_t kDotRows = 2 * simd::kNBitsRows;
constexpr double kNsPerWeight = 0.6, kNsPerProduct = 0.03;
constexpr double kNsPerDotWeight = 0.1;

struct Weights {
  int64_t k = 0, n = 0, block = 0;
  int bits = 0;

  int64_t blocks() const { return ceil_div(k, block); }
  int64_t blob() const { return block * bits / 8; }
  int64_t zero_row() const { return ceil_div<int64_t>(blocks() * bits, 8); }
  simd::NBitsFormat format() const { return {bits, block, k}; }
};

Result<Weights> weights_of(const Attributes& attributes) {
  const Weights out{attributes.get_int("K", 0), attributes.get_int("N", 0),
                    attributes.get_int("block_size", 0),
                    static_cast<int>(std::clamp<int64_t>(attributes.get_int("bits", 4), 0, 9))};
  constexpr int64_t kMost = int64_t{1} << 31;
  const bool power =
      out.block >= 16 && out.block <= kLargestBlock && (out.block & (out.block - 1)) == 0;
  const bool fits = out.bits == 2 || out.bits == 4 || out.bits == 8;
  if (fits && power && out.k > 0 && out.n > 0 && out.k < kMost && out.n < kMost) return out;
  return error(ErrorCode::ATTRIBUTE_INVALID, "K %lld, N %lld, block_size %lld, bits %d",
               static_cast<long long>(out.k), static_cast<long long>(out.n),
               static_cast<long long>(out.block), out.bits);
}

struct Plan final : StepPlan {
  int64_t rows = 0;
  int threads = 1;
  bool dots = false;
  size_t ordered = 0;  // rows as simd::nbits_dot takes them
};

class NBitsKernel final : public Kernel {
 public:
  explicit NBitsKernel(const Weights& weights) : w_(weights) {}

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
    if (floats_) {
      context.plan = std::move(plan);
      return {};
    }
    plan->threads =
        static_cast<int>(std::min<int64_t>(ceil_div(w_.n, kColumns), simd::threads_wanted()));
    plan->dots = plan->rows <= kDotRows && w_.format().is_taken();
    ScratchLayout scratch;
    // Of each thread: zero points of a column, or unpacked weights.
    const int64_t thread_floats = plan->dots ? w_.blocks() : kThreadFloats;
    SX_TRY(scratch.add_floats(plan->threads * thread_floats).take_status());
    if (plan->dots) {
      const int64_t rows = round_up<int64_t>(plan->rows, simd::kNBitsRows);
      const auto floats = checked_mul(rows, w_.format().ordered_floats());
      SX_ASSIGN(plan->ordered, scratch.add_floats(floats));
    }
    context.scratch_bytes = scratch.bytes();
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const Plan& plan = *static_cast<const Plan*>(context.plan);
    if (context.has_input(kGroups)) SX_TRY(check_groups(context.inputs[kGroups]));
    if (plan.rows == 0) return {};
    if (floats_) return multiply_floats(context, plan.rows);
    if (plan.dots) return run_dots(context, plan);
    const double ns_per_column =
        (kNsPerWeight + kNsPerProduct * static_cast<double>(plan.rows)) * static_cast<double>(w_.k);
    const int64_t grain = simd::grain_for(ns_per_column * kColumns);
    return simd::parallel_for(
        ceil_div(w_.n, kColumns), grain, plan.threads, [&](int64_t begin, int64_t end, int thread) {
          float* memory = reinterpret_cast<float*>(context.scratch) + thread * kThreadFloats;
          for (int64_t i = begin; i < end; ++i) {
            const int64_t first = i * kColumns;
            const int64_t count = std::min(kColumns, w_.n - first);
            for (int64_t depth = 0; depth < w_.k; depth += kDepth) {
              multiply(context, plan.rows, first, count, depth, memory);
            }
          }
        });
  }
  std::string_view name() const override {
    return w_.bits == 4 ? "matmul_4bit" : w_.bits == 8 ? "matmul_8bit" : "matmul_2bit";
  }

 private:
  static constexpr int64_t kThreadFloats = 2 * kColumns * kDepth;

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
        dequantize_block(inputs, column, i, std::min(w_.block, w_.k - first),
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

  Status run_dots(const RunContext& context, const Plan& plan) const {
    const simd::NBitsFormat format = w_.format();
    auto* ordered = reinterpret_cast<float*>(context.scratch + plan.ordered);
    const float* a = context.inputs[kA].as<const float>();
    for (int64_t row = 0; row < plan.rows; ++row) {
      simd::order_for_nbits(format, a + row * w_.k, ordered + row * format.ordered_floats());
    }
    const double ns = kNsPerDotWeight * static_cast<double>(plan.rows * w_.k);
    return simd::parallel_for(
        w_.n, simd::grain_for(ns), plan.threads, [&](int64_t begin, int64_t end, int thread) {
          float* memory = reinterpret_cast<float*>(context.scratch) + thread * w_.blocks();
          std::fill_n(memory, w_.blocks(), static_cast<float>(1 << (w_.bits - 1)));
          for (int64_t column = begin; column < end; ++column) {
            dot_column(context, plan.rows, ordered, column, memory);
          }
        });
  }

  // Zero points of a column; `memory` holds those of a model without any.
  const float* zeros_of(const RunContext& context, int64_t column, float* memory) const {
    if (!context.has_input(kZeros)) return memory;
    if (context.inputs[kZeros].dtype != DType::kUint8) {
      return context.inputs[kZeros].as<const float>() + column * w_.blocks();
    }
    for (int64_t i = 0; i < w_.blocks(); ++i) {
      memory[i] = static_cast<float>(packed_zero(context.inputs[kZeros], column, i));
    }
    return memory;
  }

  void dot_column(const RunContext& context, int64_t rows, const float* ordered, int64_t column,
                  float* memory) const {
    const simd::NBitsFormat format = w_.format();
    const int64_t at = column * w_.blocks();
    const uint8_t* packed = context.inputs[kB].as<const uint8_t>() + at * w_.blob();
    const float* scales = context.inputs[kScales].as<const float>() + at;
    const float* zeros = zeros_of(context, column, memory);
    const float start =
        context.has_input(kBias) ? context.inputs[kBias].as<const float>()[column] : 0.0f;
    float* c = context.outputs[0].as<float>() + column;
    for (int64_t row = 0; row < rows; row += simd::kNBitsRows) {
      simd::nbits_dot(format, ordered + row * format.ordered_floats(),
                      std::min<int64_t>(simd::kNBitsRows, rows - row), packed, scales, zeros, start,
                      c + row * w_.n, w_.n);
    }
  }

  int32_t packed_zero(const TensorView& zeros, int64_t column, int64_t block) const {
    const int64_t bit = block * w_.bits;
    const uint8_t byte = zeros.as<const uint8_t>()[column * w_.zero_row() + bit / 8];
    return byte >> (bit % 8) & ((1 << w_.bits) - 1);
  }

  void dequantize_block(std::span<const TensorView> inputs, int64_t column, int64_t block,
                        int64_t count, float* to) const {
    const int64_t at = column * w_.blocks() + block;
    const uint8_t* from = inputs[kB].as<const uint8_t>() + at * w_.blob();
    const float scale = inputs[kScales].as<const float>()[at];
    uint8_t bytes[kLargestBlock];
    if (w_.bits != 8) {
      simd::unpack_bits(from, w_.bits, count, bytes);
      from = bytes;
    }
    int32_t zero = 1 << (w_.bits - 1);
    if (inputs.size() <= kZeros || !inputs[kZeros].present()) {
      simd::dequantize(from, count, scale, zero, to);
    } else if (inputs[kZeros].dtype == DType::kUint8) {
      zero = packed_zero(inputs[kZeros], column, block);
      simd::dequantize(from, count, scale, zero, to);
    } else {
      simd::dequantize(from, count, 1.0f, 0, to);
      const float shift = inputs[kZeros].as<const float>()[at];
      simd::scale_offset(to, scale, -shift * scale, to, count);
    }
  }

  // What K from `depth` on adds to columns [first, first + count).
  void multiply(const RunContext& context, int64_t rows, int64_t first, int64_t count,
                int64_t depth, float* memory) const {
    const int64_t k = std::min(kDepth, w_.k - depth);
    for (int64_t column = 0; column < count; ++column) {
      for (int64_t i = 0; i < k; i += w_.block) {
        dequantize_block(context.inputs, first + column, (depth + i) / w_.block,
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

  Weights w_;
  std::shared_ptr<const Block> floats_;  // packed
};

Status check_weights(const InferContext& context, const Weights& w) {
  const auto elements_are = [&](size_t i, std::optional<int64_t> count) {
    if (!context.has_input(i) || !context.inputs[i].is_static()) return true;
    return count && context.inputs[i].shape.elements() == *count;
  };
  const bool packed_zeros =
      context.has_input(kZeros) && context.inputs[kZeros].dtype == DType::kUint8;
  if (elements_are(kB, checked_mul(w.n * w.blocks(), w.blob())) &&
      elements_are(kScales, w.n * w.blocks()) &&
      elements_are(kZeros, w.n * (packed_zeros ? w.zero_row() : w.blocks())) &&
      elements_are(kGroups, w.k) && elements_are(kBias, w.n)) {
    return {};
  }
  return error(ErrorCode::SHAPE_MISMATCH,
               "weights of shape %s, or what goes with them, are not %lld x %lld in blocks of %lld",
               context.inputs[kB].shape.to_string().c_str(), static_cast<long long>(w.n),
               static_cast<long long>(w.k), static_cast<long long>(w.block));
}

}  // namespace

Status infer_matmul_nbits(InferContext& context) {
  SX_TRY(check_arity(context, 3, 6));
  SX_ASSIGN(const Weights w, weights_of(context.attributes));
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
  SX_TRY(check_weights(context, w));
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
  return widened(init, [](const KernelInit& wide) -> Result<KernelPtr> {
    SX_ASSIGN(const Weights w, weights_of(wide.attributes));
    auto kernel = std::make_unique<NBitsKernel>(w);
    SX_TRY(kernel->prepare(wide));
    return KernelPtr(std::move(kernel));
  });
}

}  // namespace sardonyx::ops
