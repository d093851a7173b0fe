#include "base/sorted_order.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace sardonyx {

TEST_CASE("sorted_order() gives the places of the elements in their order, equal ones in theirs") {
  const std::vector<int> x{3, 1, 2, 1, 3, 0};
  const auto order = sorted_order(x.size(), [&](uint32_t a, uint32_t b) { return x[a] < x[b]; });
  CHECK(order == std::vector<uint32_t>{5, 1, 3, 2, 0, 4});
  CHECK(sorted_order(0, [](uint32_t, uint32_t) { return true; }).empty());
}

TEST_CASE("sort_items() moves the elements, stably") {
  std::vector<std::string> words{"pear", "fig", "apple", "fig"};
  sort_items(words);
  CHECK(words == std::vector<std::string>{"apple", "fig", "fig", "pear"});
  std::vector<std::pair<int, int>> pairs;
  for (int i = 0; i < 1000; ++i) pairs.push_back({i * 7 % 10, i});
  sort_items(pairs, [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 1; i < pairs.size(); ++i) CHECK(pairs[i - 1] < pairs[i]);
}

}  // namespace sardonyx
