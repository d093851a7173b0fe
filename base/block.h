// Bulk memory: tensors, arenas, payloads and packed weights come from here and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/status.h"

namespace sardonyx {

inline constexpr size_t kBlockAlignment = 64;

// Owns `size()` bytes aligned to kBlockAlignment; 32 readable bytes follow the end, so that kernels
// may load whole vectors at a tail. Move-only, freed on destruction. Contents start undefined.
class Block {
 public:
  Block() = default;
  ~Block();
  Block(Block&& other) noexcept;
  Block& operator=(Block&& other) noexcept;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // OUT_OF_MEMORY when the memory can not be had, LIMIT_EXCEEDED above kMaxTensorBytes.
  static Result<Block> allocate(uint64_t bytes);
  // Takes over memory of block_malloc().
  static Block adopt(void* data, size_t bytes);

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Raw form for the C ABI: null when out of memory.
void* block_malloc(size_t bytes);
void block_free(void* data);

// Bytes now held in blocks by the whole process. Thread-safe.
size_t block_bytes_in_use();

// Bytes [offset, offset + bytes) of a shared block: the one form of every weight payload.
struct Payload {
  std::shared_ptr<Block> block;
  size_t offset = 0;
  size_t bytes = 0;

  const uint8_t* data() const { return block ? block->data() + offset : nullptr; }
};

}  // namespace sardonyx
