#include "engine/shape_trend.h"

#include <algorithm>

#include "base/checked.h"

namespace sardonyx {
namespace {

// False when the three do not lie on a line.
bool extend(const Shape& first, const Shape& second, Shape& last, bool& changes) {
  if (first.rank() != last.rank() || second.rank() != last.rank()) return false;
  for (int axis = 0; axis < last.rank(); ++axis) {
    const int64_t change = last[axis] - second[axis];
    if (second[axis] - first[axis] != change) return false;
    const auto sum = checked_add(last[axis], change);
    if (!sum || *sum < 0) return false;
    last[axis] = *sum;
    changes |= change != 0;
  }
  return true;
}

}  // namespace

void ShapeTrend::saw(std::span<const TensorView> inputs) {
  std::rotate(seen_.begin(), seen_.begin() + 1, seen_.end());
  seen_.back().assign(inputs.begin(), inputs.end());
}

std::span<const TensorView> ShapeTrend::next() {
  const auto& [first, second, last] = seen_;
  if (first.size() != last.size()) return {};
  next_ = last;
  bool changes = false;
  for (size_t i = 0; i < next_.size(); ++i) {
    TensorView& view = next_[i];
    view.data = nullptr;
    if (!extend(first[i].shape, second[i].shape, view.shape, changes)) return {};
    if (!storage_bytes(view.dtype, view.shape, view.layout)) return {};
  }
  return changes ? std::span<const TensorView>(next_) : std::span<const TensorView>();
}

}  // namespace sardonyx
