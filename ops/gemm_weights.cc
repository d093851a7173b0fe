#include "ops/gemm_weights.h"

#include <bit>
#include <string>

namespace sardonyx::ops {

Result<size_t> packed_bytes(const WeightLayout& layout) {
  const auto columns = checked_add<int64_t>(layout.n, simd::kPanel - 1);
  auto floats = checked_mul(columns.value_or(INT64_MAX), layout.k);
  if (floats) floats = checked_mul(*floats, layout.count);
  if (!floats || *floats > static_cast<int64_t>(kMaxTensorBytes / sizeof(float))) {
    return error(ErrorCode::LIMIT_EXCEEDED, "%lld matrices of %lld x %lld are too large",
                 static_cast<long long>(layout.count), static_cast<long long>(layout.k),
                 static_cast<long long>(layout.n));
  }
  return static_cast<size_t>(layout.packed_size() * layout.count) * sizeof(float);
}

Status pack_weights(const float* from, const WeightLayout& layout, float* to) {
  for (int64_t i = 0; i < layout.count; ++i) {
    SX_TRY(simd::gemm_pack_b(from + i * layout.k * layout.n, layout.k, layout.n,
                             layout.row_stride(), layout.column_stride(), layout.scale,
                             to + i * layout.packed_size()));
  }
  return {};
}

namespace {

Status pack_halves(const uint16_t* from, const WeightLayout& layout, uint16_t* to) {
  for (int64_t i = 0; i < layout.count; ++i) {
    SX_TRY(simd::gemm_pack_halves(from + i * layout.k * layout.n, layout.k, layout.n,
                                  layout.row_stride(), layout.column_stride(),
                                  to + i * layout.packed_size()));
  }
  return {};
}

}  // namespace

void PackedWeights::give(simd::GemmOperands& operands) const {
  if (halves) {
    operands.halves = block->as<uint16_t>();
  } else if (block) {
    operands.b = block->as<float>();
  }
}

std::string_view PackedWeights::kernel_name() const {
  return halves ? "gemm_half" : simd::gemm_tile_name();
}

Result<PackedWeights> pack_constant(const KernelInit& init, size_t input,
                                    const WeightLayout& layout) {
  const ConstantPtr& constant = init.inputs[input].constant;
  const auto elements = constant->shape.elements();
  SX_ASSIGN(const size_t bytes, packed_bytes(layout));
  const bool halves = constant->dtype == DType::kFloat16 && layout.scale == 1.0f;
  if ((constant->dtype != DType::kFloat32 && !halves) || !elements ||
      *elements != layout.count * layout.k * layout.n) {
    return error(ErrorCode::SHAPE_MISMATCH, "a constant of shape %s is not %lld x %lld",
                 constant->shape.to_string().c_str(), static_cast<long long>(layout.k),
                 static_cast<long long>(layout.n));
  }
  std::string packing = layout.transposed ? "gemm.b.t" : "gemm.b";
  for (const int64_t part : {int64_t{simd::kPanel}, layout.count, layout.k, layout.n,
                             int64_t{std::bit_cast<int32_t>(layout.scale)}}) {
    packing += "." + std::to_string(part);
  }
  SX_ASSIGN(auto pack, init.packs.get(constant, packing, [&]() -> Result<Block> {
    SX_ASSIGN(Block block, Block::allocate(halves ? bytes / 2 : bytes));
    const TensorView from = constant->view();
    SX_TRY(halves ? pack_halves(from.as<const uint16_t>(), layout, block.as<uint16_t>())
                  : pack_weights(from.as<const float>(), layout, block.as<float>()));
    return block;
  }));
  init.consumed(input);
  return PackedWeights{std::move(pack), halves};
}

}  // namespace sardonyx::ops
