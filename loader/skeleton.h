// The part of an ONNX file that protobuf parses: everything but the payloads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/block.h"
#include "base/status.h"

namespace onnx {
class ModelProto;
}

namespace sardonyx {

inline constexpr size_t kMaxSkeletonBytes = size_t{64} << 20;

// Bytes that grow in blocks, without copies. Thread-compatible.
class Skeleton {
 public:
  size_t size() const { return size_; }
  // LIMIT_EXCEEDED above kMaxSkeletonBytes, OUT_OF_MEMORY.
  Status append(std::span<const uint8_t> bytes);
  // Base-128 number in as few bytes as it needs.
  Status append_varint(uint64_t value);
  // Five bytes that patch_length() fills.
  Status append_length_space();
  void patch_length(size_t position, uint32_t length);
  // The bytes [position, position + count), which have been appended.
  std::string read(size_t position, size_t count) const;

  // False when the bytes are not valid.
  bool parse(onnx::ModelProto& model) const;

 private:
  class Stream;
  uint8_t& at(size_t position) const;

  std::vector<Block> blocks_;
  size_t size_ = 0;
};

}  // namespace sardonyx
