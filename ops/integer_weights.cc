#include "ops/integer_weights.h"

#include "ops/quantization.h"

namespace sardonyx::ops {

ConstantPtr fixed_integer_weights(const KernelInit& init, const IntegerInputs& at) {
  const bool has_zero = init.has_input(at.w_zero);
  if (has_zero && !init.inputs[at.w_zero].constant) return nullptr;
  return init.inputs[at.w].constant;
}

Result<std::shared_ptr<const Block>> pack_integer_weights(const KernelInit& init,
                                                          const IntegerInputs& at,
                                                          const IntegerPacking& packing) {
  if (!packing.size) return error(ErrorCode::LIMIT_EXCEEDED, "the weights are too large");
  const bool has_zero = init.has_input(at.w_zero);
  const TensorView zero = has_zero ? init.inputs[at.w_zero].constant->view() : TensorView();
  SX_ASSIGN(const Block zeros,
            Block::allocate(static_cast<uint64_t>(packing.columns) * sizeof(int32_t)));
  SX_TRY(read_zeros(zero, packing.columns, zeros.as<int32_t>()));
  std::string key = packing.name;
  key.append(zeros.as<const char>(), zeros.size());
  SX_ASSIGN(std::shared_ptr<const Block> packed,
            init.packs.get(init.inputs[at.w].constant, key, [&]() -> Result<Block> {
              const auto elements = static_cast<uint64_t>(*packing.size);
              SX_ASSIGN(Block block, Block::allocate(elements * sizeof(int16_t)));
              packing.pack(zeros.as<int32_t>(), block.as<int16_t>());
              return block;
            }));
  init.consumed(at.w);
  return packed;
}

}  // namespace sardonyx::ops
