// Sequences and optionals as bytes, for the C ABI. All numbers are uint32, little-endian:
//   the number of tensors, kPackedAbsent for an optional without element; for each tensor its
//   dtype, its rank, its dims, the bytes of its elements and the elements, strings as
//   unpack_strings() has them.
#pragma once

#include <cstdint>
#include <span>

#include "base/box.h"

namespace sardonyx {

inline constexpr uint32_t kPackedAbsent = UINT32_MAX;

// INPUT_SIZE when the bytes end too early or too late, INPUT_DTYPE, INPUT_SHAPE, and the errors of
// unpack_strings().
Result<Box> unpack_box(std::span<const uint8_t> packed);
// LIMIT_EXCEEDED, OUT_OF_MEMORY.
Result<Block> pack_box(const Box& box);

}  // namespace sardonyx
