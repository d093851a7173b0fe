// Dividing a step's scratch memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/block.h"
#include "base/checked.h"
#include "base/status.h"

namespace sardonyx::ops {

// Hands out 64-byte aligned parts, one after the other.
class ScratchLayout {
 public:
  // Byte offset of a new part of `count` elements; LIMIT_EXCEEDED, also for a count of nullopt.
  Result<size_t> add(std::optional<int64_t> count, size_t element_bytes) {
    const auto bytes = count && *count >= 0 ? checked_mul(static_cast<uint64_t>(*count),
                                                          static_cast<uint64_t>(element_bytes))
                                            : std::nullopt;
    if (!bytes || *bytes > kMaxTensorBytes - total_) {
      return error(ErrorCode::LIMIT_EXCEEDED, "the scratch memory is above the limit of 2 GiB");
    }
    const uint64_t offset = total_;
    total_ = round_up<uint64_t>(total_ + *bytes, kBlockAlignment);
    if (total_ > kMaxTensorBytes) total_ = kMaxTensorBytes;
    return static_cast<size_t>(offset);
  }
  Result<size_t> add_floats(std::optional<int64_t> count) { return add(count, sizeof(float)); }
  size_t bytes() const { return static_cast<size_t>(total_); }

 private:
  uint64_t total_ = 0;
};

}  // namespace sardonyx::ops
