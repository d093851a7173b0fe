#include "engine/control/scan_input.h"

#include "ops/shape_rule.h"

namespace sardonyx {

Status ScanInput::begin(const TensorView& tensor, int64_t axis, bool reversed, bool batched) {
  const int first = batched ? 1 : 0;
  const Shape& shape = tensor.shape;
  if (shape.rank() <= first) {
    return error(ErrorCode::SHAPE_MISMATCH, "shape %s has no axis to scan",
                 shape.to_string().c_str());
  }
  SX_ASSIGN(const size_t width, ops::element_bytes(tensor.dtype));
  SX_ASSIGN(const int within, ops::check_axis(axis, shape.rank() - first));
  const int at = within + first;
  tensor_ = tensor;
  reversed_ = reversed;
  batch_ = batched ? shape[0] : 1;
  length_ = shape[at];
  outer_ = shape.product(first, at);
  inner_bytes_ = static_cast<size_t>(shape.product(at + 1, shape.rank())) * width;
  slice_shape_ = {};
  for (int i = first; i < shape.rank(); ++i) {
    if (i != at) slice_shape_.push_back(shape[i]);
  }
  return {};
}

Result<TensorView> ScanInput::slice(int64_t batch, int64_t index) {
  if (reversed_) index = length_ - 1 - index;
  auto* const from = tensor_.as<uint8_t>();
  const auto row = [&](int64_t outer) {
    const int64_t number = (batch * outer_ + outer) * length_ + index;
    return from + static_cast<size_t>(number) * inner_bytes_;
  };
  TensorView view{tensor_.dtype, Layout::kRowMajor, slice_shape_, row(0)};
  if (outer_ == 1) return view;
  if (memory_.size() < view.bytes() || !memory_) {
    memory_ = Block();
    SX_ASSIGN(memory_, Block::allocate(view.bytes()));
  }
  for (int64_t i = 0; i < outer_; ++i) {
    ops::copy_bytes(memory_.data() + static_cast<size_t>(i) * inner_bytes_, row(i), inner_bytes_);
  }
  view.data = memory_.data();
  return view;
}

}  // namespace sardonyx
