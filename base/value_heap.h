// What the values of one run refer to: characters of strings, sequences and optionals.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/block.h"
#include "base/box.h"
#include "base/string_ref.h"

namespace sardonyx {

// Whether such a value refers to a heap.
constexpr bool needs_heap(ValueKind kind, DType dtype) {
  return kind != ValueKind::kTensor || dtype == DType::kString;
}

// Everything stays until clear(). Thread-compatible.
class ValueHeap {
 public:
  // Room for that many characters. OUT_OF_MEMORY, LIMIT_EXCEEDED.
  Result<char*> characters(size_t bytes);
  Result<StringRef> copy(std::string_view text);
  // LIMIT_EXCEEDED.
  Result<const Box*> add(Box box);
  // Lets the elements of a row-major view, if they refer to anything, refer to copies of their own.
  Status own(const TensorView& view);
  void clear();

 private:
  std::vector<Block> blocks_;  // the last one has `left_` bytes to give
  size_t left_ = 0;
  size_t bytes_ = 0;
  std::vector<std::unique_ptr<Box>> boxes_;  // moving a heap allocates nothing
};

}  // namespace sardonyx
