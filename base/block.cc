#include "base/block.h"

#include <atomic>
#include <cstdlib>
#include <utility>

#include "base/checked.h"

namespace sardonyx {
namespace {

constexpr size_t kTailBytes = 32;

std::atomic<size_t> bytes_in_use{0};

// The size is kept in front of the data so that block_free() can account for it.
struct Header {
  size_t bytes;
};
static_assert(sizeof(Header) <= kBlockAlignment);

}  // namespace

void* block_malloc(size_t bytes) {
  if (bytes > kMaxTensorBytes) return nullptr;
  const size_t total = round_up(bytes + kBlockAlignment + kTailBytes, kBlockAlignment);
  void* base = std::aligned_alloc(kBlockAlignment, total);
  if (!base) return nullptr;
  static_cast<Header*>(base)->bytes = bytes;
  bytes_in_use.fetch_add(bytes, std::memory_order_relaxed);
  return static_cast<uint8_t*>(base) + kBlockAlignment;
}

void block_free(void* data) {
  if (!data) return;
  uint8_t* base = static_cast<uint8_t*>(data) - kBlockAlignment;
  bytes_in_use.fetch_sub(reinterpret_cast<Header*>(base)->bytes, std::memory_order_relaxed);
  std::free(base);
}

size_t block_bytes_in_use() {
  return bytes_in_use.load(std::memory_order_relaxed);
}

Block::~Block() {
  block_free(data_);
}

Block::Block(Block&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Block& Block::operator=(Block&& other) noexcept {
  if (this != &other) {
    block_free(data_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Result<Block> Block::allocate(uint64_t bytes) {
  if (bytes > kMaxTensorBytes) {
    return error(ErrorCode::LIMIT_EXCEEDED, "a block of %llu bytes is above the limit of 2 GiB",
                 static_cast<unsigned long long>(bytes));
  }
  void* data = block_malloc(static_cast<size_t>(bytes));
  if (!data) {
    return error(ErrorCode::OUT_OF_MEMORY, "no memory for %llu bytes",
                 static_cast<unsigned long long>(bytes));
  }
  return adopt(data, static_cast<size_t>(bytes));
}

Block Block::adopt(void* data, size_t bytes) {
  Block block;
  block.data_ = static_cast<uint8_t*>(data);
  block.size_ = bytes;
  return block;
}

}  // namespace sardonyx
