#include "base/string_tensor.h"

#include <cstring>
#include <vector>

#include "base/checked.h"
#include "base/utf8.h"

namespace sardonyx {
namespace {

constexpr size_t kPrefix = sizeof(uint32_t);

Status not_utf8(ErrorCode code, size_t index) {
  return error(code, "string number %zu is not valid UTF-8", index);
}

// All sizes fit 32 bits: together they are a block's, or those of a packed form.
Result<std::shared_ptr<Constant>> gather(const Shape& shape,
                                         std::span<const std::string_view> texts) {
  const size_t table = texts.size() * sizeof(StringRef);
  size_t bytes = table;
  for (const std::string_view text : texts) {
    if (text.size() > kMaxTensorBytes || bytes + text.size() > kMaxTensorBytes) {
      return error(ErrorCode::LIMIT_EXCEEDED, "a tensor of strings is above the limit of 2 GiB");
    }
    bytes += text.size();
  }
  SX_ASSIGN(Block block, Block::allocate(bytes));
  auto* ref = block.as<StringRef>();
  char* to = block.as<char>() + table;
  for (const std::string_view text : texts) {
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    *ref++ = {to, static_cast<uint32_t>(text.size())};
    to += text.size();
  }
  auto constant = std::make_shared<Constant>();
  constant->dtype = DType::kString;
  constant->shape = shape;
  constant->payload = {std::make_shared<Block>(std::move(block)), 0, table};
  return constant;
}

}  // namespace

Result<std::shared_ptr<Constant>> make_strings(const Shape& shape,
                                               std::span<const std::string_view> texts) {
  if (shape.elements() != static_cast<int64_t>(texts.size())) {
    return error(ErrorCode::TENSOR_PAYLOAD, "%zu strings for the shape %s", texts.size(),
                 shape.to_string().c_str());
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!is_utf8(texts[i])) return not_utf8(ErrorCode::TENSOR_PAYLOAD, i);
  }
  return gather(shape, texts);
}

Result<std::shared_ptr<Constant>> unpack_strings(const Shape& shape,
                                                 std::span<const uint8_t> packed) {
  const auto count = static_cast<uint64_t>(shape.elements().value_or(INT64_MAX));
  if (count > packed.size() / kPrefix) {
    return error(ErrorCode::INPUT_SIZE, "%zu bytes can not hold the strings of shape %s",
                 packed.size(), shape.to_string().c_str());
  }
  std::vector<std::string_view> texts;
  texts.reserve(static_cast<size_t>(count));
  for (size_t i = 0; i < count; ++i) {
    uint32_t size = 0;
    if (packed.size() >= kPrefix) std::memcpy(&size, packed.data(), kPrefix);
    if (packed.size() < kPrefix || packed.size() - kPrefix < size) {
      return error(ErrorCode::INPUT_SIZE, "string number %zu ends behind its buffer", i);
    }
    texts.emplace_back(reinterpret_cast<const char*>(packed.data()) + kPrefix, size);
    if (!is_utf8(texts.back())) return not_utf8(ErrorCode::INPUT_DTYPE, i);
    packed = packed.subspan(kPrefix + size);
  }
  if (!packed.empty()) {
    return error(ErrorCode::INPUT_SIZE, "%zu bytes follow the last string", packed.size());
  }
  return gather(shape, texts);
}

Result<Block> pack_strings(const TensorView& strings) {
  const std::span<const StringRef> refs(strings.as<const StringRef>(),
                                        static_cast<size_t>(strings.elements()));
  uint64_t bytes = 0;
  for (const StringRef& ref : refs) bytes += kPrefix + ref.size;
  SX_ASSIGN(Block block, Block::allocate(bytes));
  uint8_t* to = block.data();
  for (const StringRef& ref : refs) {
    std::memcpy(to, &ref.size, kPrefix);
    if (ref.size) std::memcpy(to + kPrefix, ref.data, ref.size);
    to += kPrefix + ref.size;
  }
  return block;
}

}  // namespace sardonyx
