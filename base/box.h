// Sequences and optionals at run time.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace sardonyx {

inline constexpr size_t kMaxSequenceLength = size_t{1} << 20;

// A list of tensors, or an optional: of a sequence when its view says so, else of one tensor.
// Immutable but for being part of a longer one: boxes share their storage, each a prefix of it, so
// that appending one by one costs no copies.
class Box {
 public:
  Box() = default;
  explicit Box(std::vector<ConstantPtr> elements)
      : storage_(std::make_shared<std::vector<ConstantPtr>>(std::move(elements))),
        size_(storage_->size()) {}
  // An optional without element.
  static Box absent() {
    Box box;
    box.present_ = false;
    return box;
  }

  bool present() const { return present_; }
  size_t size() const { return size_; }
  std::span<const ConstantPtr> elements() const {
    return storage_ ? std::span<const ConstantPtr>(*storage_).first(size_)
                    : std::span<const ConstantPtr>();
  }
  // A box with one more element. LIMIT_EXCEEDED above kMaxSequenceLength.
  Result<Box> with(ConstantPtr element) const;

 private:
  std::shared_ptr<std::vector<ConstantPtr>> storage_;
  size_t size_ = 0;
  bool present_ = true;
};

// What a view of kind sequence or optional refers to: its memory holds the address of a box.
inline const Box& box_of(const TensorView& view) {
  return **static_cast<const Box* const*>(view.data);
}

}  // namespace sardonyx
