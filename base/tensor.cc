#include "base/tensor.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/checked.h"
#include "base/string_tensor.h"

namespace sardonyx {

std::optional<int64_t> storage_elements(const Shape& shape, Layout layout) {
  if (layout == Layout::kRowMajor || shape.rank() < 2) return shape.elements();
  if (shape[1] < 0 || shape[1] > INT64_MAX - 3) return std::nullopt;
  Shape padded = shape;
  padded[1] = round_up<int64_t>(shape[1], 4);
  return padded.elements();
}

std::optional<size_t> storage_bytes(DType dtype, const Shape& shape, Layout layout) {
  const auto count = storage_elements(shape, layout);
  if (!count) return std::nullopt;
  // An empty tensor is bounded by its other dims, so that loops over some of them end and products
  // of them do not overflow.
  Shape filled = shape;
  for (int axis = 0; *count == 0 && axis < shape.rank(); ++axis) {
    filled[axis] = std::max<int64_t>(shape[axis], 1);
  }
  const auto extent = storage_elements(filled, layout);
  if (!extent) return std::nullopt;
  const auto bits = checked_mul<int64_t>(*extent, dtype_bits(dtype));
  if (!bits) return std::nullopt;
  const auto bytes = static_cast<uint64_t>(*bits) / 8 + (*bits % 8 != 0);
  if (bytes > kMaxTensorBytes) return std::nullopt;
  return *count == 0 ? 0 : static_cast<size_t>(bytes);
}

Result<std::shared_ptr<Constant>> make_constant(DType dtype, const Shape& shape) {
  const auto bytes = storage_bytes(dtype, shape, Layout::kRowMajor);
  if (!bytes) {
    return error(ErrorCode::LIMIT_EXCEEDED, "a tensor of %s%s is above the limit of 2 GiB",
                 std::string(dtype_name(dtype)).c_str(), shape.to_string().c_str());
  }
  SX_ASSIGN(Block block, Block::allocate(*bytes));
  auto constant = std::make_shared<Constant>();
  constant->dtype = dtype;
  constant->shape = shape;
  constant->payload = {std::make_shared<Block>(std::move(block)), 0, *bytes};
  return constant;
}

Result<ConstantPtr> copy_of(const TensorView& view) {
  if (view.dtype == DType::kString) {
    std::vector<std::string_view> texts;
    for (int64_t i = 0; i < view.elements(); ++i) texts.push_back(view.as<StringRef>()[i].view());
    SX_ASSIGN(std::shared_ptr<Constant> strings, make_strings(view.shape, texts));
    return ConstantPtr(std::move(strings));
  }
  SX_ASSIGN(const std::shared_ptr<Constant> copy, make_constant(view.dtype, view.shape));
  const size_t bytes = view.bytes();
  if (bytes) std::memcpy(copy->view().data, view.data, bytes);
  return ConstantPtr(copy);
}

}  // namespace sardonyx
