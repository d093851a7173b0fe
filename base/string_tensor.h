// String tensors as one piece of memory.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/string_ref.h"
#include "base/tensor.h"

namespace sardonyx {

// A constant whose block holds the characters too. One text per element of the shape;
// TENSOR_PAYLOAD when there are more or fewer or one is not UTF-8.
Result<std::shared_ptr<Constant>> make_strings(const Shape& shape,
                                               std::span<const std::string_view> texts);

// The packed form: per element its size in bytes (uint32, little-endian) and its characters.
// INPUT_SIZE when it ends too early or too late, INPUT_DTYPE when a string is not UTF-8.
Result<std::shared_ptr<Constant>> unpack_strings(const Shape& shape,
                                                 std::span<const uint8_t> packed);
Result<Block> pack_strings(const TensorView& strings);

}  // namespace sardonyx
