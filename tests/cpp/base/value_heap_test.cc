#include "base/value_heap.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

namespace sardonyx {

TEST_CASE("strings and boxes stay until the heap is cleared, and their memory goes then") {
  const size_t before = block_bytes_in_use();
  ValueHeap heap;
  std::vector<StringRef> refs;
  for (int i = 0; i < 5000; ++i) refs.push_back(heap.copy(std::to_string(i) + " words").take());
  const StringRef large = heap.copy(std::string(1 << 20, 'x')).take();
  const Box* first = heap.add(Box()).take();
  const Box* second = heap.add(Box::absent()).take();
  for (int i = 0; i < 5000; ++i) {
    CHECK(refs[static_cast<size_t>(i)].view() == std::to_string(i) + " words");
  }
  CHECK(large.view() == std::string(1 << 20, 'x'));
  CHECK(heap.copy("")->view().empty());
  CHECK(first->present());
  CHECK_FALSE(second->present());
  heap.clear();
  CHECK(block_bytes_in_use() == before);
}

TEST_CASE("a heap has limits") {
  ValueHeap heap;
  CHECK(error_name(heap.characters((size_t{1} << 31) + 1).status().code()) == "LIMIT_EXCEEDED");
  while (heap.add(Box()).ok()) continue;
  CHECK(error_name(heap.add(Box()).status().code()) == "LIMIT_EXCEEDED");
}

}  // namespace sardonyx
