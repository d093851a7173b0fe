#include "base/box.h"

namespace sardonyx {

Result<Box> Box::with(ConstantPtr element) const {
  if (size_ >= kMaxSequenceLength) {
    return error(ErrorCode::LIMIT_EXCEEDED, "a sequence of more than %zu tensors",
                 kMaxSequenceLength);
  }
  Box box = *this;
  if (!box.storage_ || box.storage_->size() != size_) {
    const std::span<const ConstantPtr> own = elements();
    box.storage_ = std::make_shared<std::vector<ConstantPtr>>(own.begin(), own.end());
  }
  box.storage_->push_back(std::move(element));
  ++box.size_;
  return box;
}

}  // namespace sardonyx
