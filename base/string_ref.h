// The element of a string tensor.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/dtype.h"

namespace sardonyx {

// Characters that somebody else owns: a constant's payload, the caller, or the run's ValueHeap.
// UTF-8, not terminated. All bytes zero is the empty string.
struct StringRef {
  const char* data = nullptr;
  uint32_t size = 0;

  std::string_view view() const { return {data, size}; }
};

template <>
inline constexpr DType kDTypeOf<StringRef> = DType::kString;

}  // namespace sardonyx
