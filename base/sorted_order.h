// Sorting by indices, compiled once for all callers: each std::sort of its own costs 3 to 4 KB of
// code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace sardonyx {

namespace detail {

using IndexBefore = bool (*)(const void* context, uint32_t a, uint32_t b);
std::vector<uint32_t> sorted_order(size_t count, const void* context, IndexBefore before);

}  // namespace detail

// The numbers 0 to count - 1 in the order of before(a, b), a strict weak order; equal ones stay in
// theirs. O(n log n).
template <typename Before>
std::vector<uint32_t> sorted_order(size_t count, const Before& before) {
  return detail::sorted_order(count, &before, [](const void* context, uint32_t a, uint32_t b) {
    return (*static_cast<const Before*>(context))(a, b);
  });
}

// Stable, by before(x, y) of two elements.
template <typename T, typename Before>
void sort_items(std::vector<T>& items, const Before& before) {
  std::vector<T> sorted;
  sorted.reserve(items.size());
  const auto order = sorted_order(
      items.size(), [&](uint32_t a, uint32_t b) { return before(items[a], items[b]); });
  for (const uint32_t i : order) sorted.push_back(std::move(items[i]));
  items = std::move(sorted);
}
template <typename T>
void sort_items(std::vector<T>& items) {
  sort_items(items, [](const T& a, const T& b) { return a < b; });
}

}  // namespace sardonyx
