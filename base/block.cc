#include "base/block.h"

#include <atomic>
#include <cstdlib>
#include <utility>

#include "base/checked.h"

namespace sardonyx {
namespace {

constexpr size_t kTailBytes = 32;

std::atomic<size_t> bytes_in_use{0};

// In front of the data, so that block_free() finds what to free and to account for.
struct Header {
  void* base;
  size_t bytes;
};

Header* header_of(void* data) {
  return static_cast<Header*>(data) - 1;
}

}  // namespace

// Not aligned_alloc(): it leaves slivers between aligned chunks, where small objects keep freed
// blocks from merging, and refuses a hole that just fits. With dlmalloc packing 25 weights of 4 MB
// then takes 47 MB beyond the file.
void* block_malloc(size_t bytes) {
  if (bytes > kMaxTensorBytes) return nullptr;
  void* base = std::malloc(sizeof(Header) + kBlockAlignment - 1 + bytes + kTailBytes);
  if (!base) return nullptr;
  const auto start = reinterpret_cast<uintptr_t>(base) + sizeof(Header);
  void* data = reinterpret_cast<void*>(round_up<uintptr_t>(start, kBlockAlignment));
  *header_of(data) = {base, bytes};
  bytes_in_use.fetch_add(bytes, std::memory_order_relaxed);
  return data;
}

void block_free(void* data) {
  if (!data) return;
  bytes_in_use.fetch_sub(header_of(data)->bytes, std::memory_order_relaxed);
  std::free(header_of(data)->base);
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
