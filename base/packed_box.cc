#include "base/packed_box.h"

#include <cstring>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/string_tensor.h"

namespace sardonyx {
namespace {

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  size_t left() const { return rest_.size(); }

  Result<uint32_t> number() {
    SX_ASSIGN(const auto bytes, take(sizeof(uint32_t)));
    uint32_t value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }

  Result<std::span<const uint8_t>> take(size_t count) {
    if (count > rest_.size()) {
      return error(ErrorCode::INPUT_SIZE, "a sequence ends %zu bytes behind its buffer",
                   count - rest_.size());
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

 private:
  std::span<const uint8_t> rest_;
};

Result<Shape> read_shape(Reader& reader) {
  SX_ASSIGN(const uint32_t rank, reader.number());
  if (rank > static_cast<uint32_t>(kMaxRank)) {
    return error(ErrorCode::INPUT_SHAPE, "a rank of %u is above the limit of %d", rank, kMaxRank);
  }
  Shape shape;
  for (uint32_t axis = 0; axis < rank; ++axis) {
    SX_ASSIGN(const uint32_t dim, reader.number());
    shape.push_back(dim);
  }
  return shape;
}

Result<ConstantPtr> read_tensor(Reader& reader) {
  SX_ASSIGN(const uint32_t number, reader.number());
  if (number > INT32_MAX || !is_known_dtype(static_cast<int32_t>(number))) {
    return error(ErrorCode::INPUT_DTYPE, "dtype number %u is not known", number);
  }
  const auto dtype = static_cast<DType>(number);
  SX_ASSIGN(const Shape shape, read_shape(reader));
  SX_ASSIGN(const uint32_t bytes, reader.number());
  SX_ASSIGN(const auto elements, reader.take(bytes));
  if (dtype == DType::kString) {
    SX_ASSIGN(const std::shared_ptr<Constant> strings, unpack_strings(shape, elements));
    return ConstantPtr(strings);
  }
  const auto wanted = storage_bytes(dtype, shape, Layout::kRowMajor);
  if (!wanted || *wanted != bytes) {
    return error(ErrorCode::INPUT_SIZE, "%u bytes for a tensor of %s%s", bytes,
                 dtype_name(dtype).data(), shape.to_string().c_str());
  }
  SX_ASSIGN(const std::shared_ptr<Constant> tensor, make_constant(dtype, shape));
  if (bytes) std::memcpy(tensor->view().data, elements.data(), bytes);
  return ConstantPtr(tensor);
}

class Writer {
 public:
  explicit Writer(uint8_t* to) : to_(to) {}
  void number(uint64_t value) {
    const auto word = static_cast<uint32_t>(value);
    bytes(&word, sizeof word);
  }
  void bytes(const void* from, size_t count) {
    if (count) std::memcpy(to_, from, count);
    to_ += count;
  }

 private:
  uint8_t* to_;
};

}  // namespace

Result<Box> unpack_box(std::span<const uint8_t> packed) {
  Reader reader(packed);
  SX_ASSIGN(const uint32_t count, reader.number());
  std::vector<ConstantPtr> elements;
  if (count != kPackedAbsent) {
    if (count > kMaxSequenceLength) {
      return error(ErrorCode::INPUT_SIZE, "a sequence of %u tensors, at most %zu are allowed",
                   count, kMaxSequenceLength);
    }
    for (uint32_t i = 0; i < count; ++i) {
      SX_ASSIGN(ConstantPtr tensor, read_tensor(reader));
      elements.push_back(std::move(tensor));
    }
  }
  if (!reader.done()) {
    return error(ErrorCode::INPUT_SIZE, "%zu bytes follow the last tensor", reader.left());
  }
  return count == kPackedAbsent ? Box::absent() : Box(std::move(elements));
}

Result<Block> pack_box(const Box& box) {
  constexpr size_t kNumber = sizeof(uint32_t);
  std::vector<Block> strings(box.size());
  uint64_t bytes = kNumber;
  for (size_t i = 0; i < box.size(); ++i) {
    const TensorView view = box.elements()[i]->view();
    size_t size = view.bytes();
    if (view.dtype == DType::kString) {
      SX_ASSIGN(strings[i], pack_strings(view));
      size = strings[i].size();
    }
    bytes += kNumber * (3 + static_cast<size_t>(view.shape.rank())) + size;
  }
  SX_ASSIGN(Block block, Block::allocate(bytes));
  Writer writer(block.data());
  writer.number(box.present() ? box.size() : kPackedAbsent);
  for (size_t i = 0; i < box.size(); ++i) {
    const TensorView view = box.elements()[i]->view();
    const bool text = view.dtype == DType::kString;
    const size_t size = text ? strings[i].size() : view.bytes();
    writer.number(static_cast<uint64_t>(view.dtype));
    writer.number(static_cast<uint64_t>(view.shape.rank()));
    for (const int64_t dim : view.shape) writer.number(static_cast<uint64_t>(dim));
    writer.number(size);
    writer.bytes(text ? strings[i].data() : view.data, size);
  }
  return block;
}

}  // namespace sardonyx
