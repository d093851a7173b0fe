#include "engine/control/carried.h"

#include <algorithm>
#include <utility>

#include "base/checked.h"
#include "ops/shape_rule.h"

namespace sardonyx {

Status Carried::stage(const TensorView& output) {
  staged_ = output;
  const size_t bytes = output.bytes();
  if (output.data == view_.data || bytes == 0) return {};
  if (spare_.size() < bytes) {
    // A value that grows in each iteration is not allocated in each.
    const size_t room = spare_ ? std::min<size_t>(bytes / 2, kMaxTensorBytes - bytes) : 0;
    spare_ = Block();
    SX_ASSIGN(spare_, Block::allocate(bytes + room));
  }
  staged_.data = spare_.data();
  ops::copy_bytes(staged_.data, output.data, bytes);
  if (!needs_heap(staged_.kind, staged_.dtype)) return {};
  spare_heap_.clear();
  return spare_heap_.own(staged_);
}

void Carried::commit() {
  if (staged_.data && staged_.data == spare_.data()) {
    std::swap(memory_, spare_);
    // Even to swap two empty heaps allocates.
    if (needs_heap(staged_.kind, staged_.dtype)) std::swap(heap_, spare_heap_);
  }
  view_ = staged_;
}

}  // namespace sardonyx
