#include "engine/memory_plan.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "base/block.h"

using namespace sardonyx;

namespace {

size_t bytes_alive(const std::vector<Lifetime>& buffers, uint32_t step) {
  size_t total = 0;
  for (const Lifetime& buffer : buffers) {
    if (buffer.first <= step && step <= buffer.last) total += buffer.bytes;
  }
  return total;
}

void check_disjoint(const std::vector<Lifetime>& buffers, size_t arena) {
  for (size_t i = 0; i < buffers.size(); ++i) {
    const Lifetime& a = buffers[i];
    REQUIRE(a.offset % kBlockAlignment == 0);
    REQUIRE(a.offset + a.bytes + 32 <= arena);
    for (size_t j = 0; j < i; ++j) {
      const Lifetime& b = buffers[j];
      if (a.first > b.last || b.first > a.last) continue;
      REQUIRE((a.offset + a.bytes + 32 <= b.offset || b.offset + b.bytes + 32 <= a.offset));
    }
  }
}

}  // namespace

TEST_CASE("a chain of equal buffers needs the memory of two") {
  std::vector<Lifetime> buffers;
  for (uint32_t i = 0; i < 20; ++i) buffers.push_back({1000, i, i + 1, 0});
  const size_t arena = plan_memory(buffers);
  check_disjoint(buffers, arena);
  CHECK(arena <= 2 * 1088);
}

TEST_CASE("random lifetimes never overlap and stay near the lower bound") {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<Lifetime> buffers;
    for (int i = 0; i < 60; ++i) {
      const auto first = static_cast<uint32_t>(random() % 100);
      buffers.push_back({random() % 10000, first, first + static_cast<uint32_t>(random() % 12), 0});
    }
    const size_t arena = plan_memory(buffers);
    check_disjoint(buffers, arena);
    size_t peak = 0;
    for (uint32_t step = 0; step < 112; ++step) peak = std::max(peak, bytes_alive(buffers, step));
    CHECK(arena < 2 * peak);
  }
}

TEST_CASE("buffers that live to the end and empty buffers are placed") {
  std::vector<Lifetime> buffers{{100, 0, UINT32_MAX, 0}, {0, 3, 3, 0}, {100, 5, UINT32_MAX - 1, 0}};
  check_disjoint(buffers, plan_memory(buffers));
}

TEST_CASE("an arena above the limit is refused") {
  std::vector<Lifetime> buffers{{size_t{3} << 29, 0, 1, 0}, {size_t{3} << 29, 1, 2, 0}};
  CHECK(plan_memory(buffers) == SIZE_MAX);
}
