#include "base/block.h"

#include <catch2/catch_test_macros.hpp>
#include <cstring>

#include "base/checked.h"

using namespace sardonyx;

TEST_CASE("blocks are aligned, accounted for and movable") {
  const size_t before = block_bytes_in_use();
  {
    Block block = Block::allocate(1000).take();
    CHECK(reinterpret_cast<uintptr_t>(block.data()) % kBlockAlignment == 0);
    CHECK(block_bytes_in_use() == before + 1000);
    std::memset(block.data(), 1, block.size() + 32);  // the readable tail is there
    Block other = std::move(block);
    CHECK(other.size() == 1000);
    CHECK_FALSE(static_cast<bool>(block));  // NOLINT: moved-from state is defined
    other = Block::allocate(10).take();
    CHECK(block_bytes_in_use() == before + 10);
  }
  CHECK(block_bytes_in_use() == before);
}

TEST_CASE("an empty block has an address") {
  CHECK(Block::allocate(0).take().data() != nullptr);
}

TEST_CASE("sizes above the limit are refused before anything is allocated") {
  CHECK(Block::allocate(kMaxTensorBytes + 1).status().code() == ErrorCode::LIMIT_EXCEEDED);
  CHECK(block_malloc(SIZE_MAX) == nullptr);
  CHECK(block_malloc(SIZE_MAX - 200) == nullptr);
}

TEST_CASE("size arithmetic is checked") {
  CHECK(checked_mul<int64_t>(INT64_MAX, 2) == std::nullopt);
  CHECK(checked_add<uint32_t>(UINT32_MAX, 1) == std::nullopt);
  CHECK(checked_sub<int64_t>(INT64_MIN, 1) == std::nullopt);
  CHECK(checked_mul<int64_t>(1 << 20, 1 << 20) == int64_t{1} << 40);
  CHECK(ceil_div(7, 4) == 2);
  CHECK(ceil_div(8, 4) == 2);
  CHECK(ceil_div<int64_t>(3, INT64_MAX) == 1);
  CHECK(round_up(9, 4) == 12);
}
