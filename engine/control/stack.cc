#include "engine/control/stack.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "engine/control/infer_control.h"
#include "ops/shape_rule.h"

namespace sardonyx {

void Stack::begin(int64_t length, int64_t axis) {
  length_ = length;
  axis_ = axis;
  count_ = 0;
  started_ = false;
  heap_.clear();
}

Status Stack::start(const TensorView& element) {
  SX_ASSIGN(const size_t width, ops::element_bytes(element.dtype));
  SX_ASSIGN(const int at, ops::check_axis(axis_, element.shape.rank() + 1));
  element_ = element;
  outer_ = element.shape.product(0, at);
  row_shape_ = {element.shape.product(at, element.shape.rank())};
  inner_bytes_ = static_cast<size_t>(row_shape_[0]) * width;
  started_ = true;
  if (length_ < 0) return {};
  SX_TRY(reserve(length_));
  if (memory_.size() > 0) std::memset(memory_.data(), 0, memory_.size());
  return {};
}

// Makes room for so many elements; what is there is kept.
Status Stack::reserve(int64_t count) {
  const auto bytes = checked_mul(element_.bytes(), static_cast<size_t>(count));
  if (!bytes || *bytes > kMaxTensorBytes) {
    return error(ErrorCode::LIMIT_EXCEEDED, "%lld scan outputs of shape %s are above 2 GiB",
                 static_cast<long long>(count), element_.shape.to_string().c_str());
  }
  if (memory_ && memory_.size() >= *bytes) return {};
  const size_t grown = std::min<size_t>(kMaxTensorBytes, 2 * memory_.size());
  SX_ASSIGN(Block larger, Block::allocate(length_ < 0 ? std::max(*bytes, grown) : *bytes));
  ops::copy_bytes(larger.data(), memory_.data(), static_cast<size_t>(count_) * element_.bytes());
  memory_ = std::move(larger);
  return {};
}

Status Stack::put(int64_t index, const TensorView& element) {
  if (!started_) SX_TRY(start(element));
  if (!(element.shape == element_.shape)) {
    return error(ErrorCode::SHAPE_MISMATCH, "a scan output has shape %s after %s",
                 element.shape.to_string().c_str(), element_.shape.to_string().c_str());
  }
  if (length_ < 0) SX_TRY(reserve(index + 1));
  const int64_t length = length_ < 0 ? 1 : length_;
  const auto* from = element.as<const uint8_t>();
  for (int64_t i = 0; i < outer_; ++i) {
    uint8_t* const row = memory_.data() + static_cast<size_t>(i * length + index) * inner_bytes_;
    ops::copy_bytes(row, from + static_cast<size_t>(i) * inner_bytes_, inner_bytes_);
    SX_TRY(heap_.own({element.dtype, Layout::kRowMajor, row_shape_, row}));
  }
  count_ = std::max(count_, index + 1);
  return {};
}

Result<TensorView> Stack::finish(const TensorView& element) {
  if (!started_) {
    TensorView none = element;
    for (int axis = 0; axis < none.shape.rank(); ++axis) {
      none.shape[axis] = std::max<int64_t>(none.shape[axis], 0);
    }
    SX_TRY(start(none));
  }
  const int64_t count = length_ < 0 ? count_ : length_;
  SX_ASSIGN(const ValueFacts facts,
            stacked({element_.dtype, true, element_.shape, nullptr}, axis_, count));
  return TensorView{facts.dtype, Layout::kRowMajor, facts.shape, memory_.data()};
}

}  // namespace sardonyx
