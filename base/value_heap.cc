#include "base/value_heap.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"

namespace sardonyx {
namespace {

constexpr size_t kChunkBytes = size_t{64} << 10;
constexpr size_t kMaxBoxes = size_t{1} << 20;

}  // namespace

Result<char*> ValueHeap::characters(size_t bytes) {
  if (bytes > left_) {
    if (bytes > kMaxTensorBytes || bytes_ > kMaxTensorBytes - bytes) {
      return error(ErrorCode::LIMIT_EXCEEDED, "the strings of a run need more than 2 GiB");
    }
    SX_ASSIGN(Block block, Block::allocate(std::max(bytes, kChunkBytes)));
    left_ = block.size();
    bytes_ += block.size();
    blocks_.push_back(std::move(block));
  }
  if (bytes == 0) return static_cast<char*>(nullptr);
  char* start = blocks_.back().as<char>() + (blocks_.back().size() - left_);
  left_ -= bytes;
  return start;
}

Result<StringRef> ValueHeap::copy(std::string_view text) {
  SX_ASSIGN(char* const start, characters(text.size()));
  if (!text.empty()) std::memcpy(start, text.data(), text.size());
  return StringRef{start, static_cast<uint32_t>(text.size())};
}

Result<const Box*> ValueHeap::add(Box box) {
  if (boxes_.size() >= kMaxBoxes) {
    return error(ErrorCode::LIMIT_EXCEEDED, "a run with more than %zu sequences and optionals",
                 kMaxBoxes);
  }
  boxes_.push_back(std::make_unique<Box>(std::move(box)));
  return boxes_.back().get();
}

Status ValueHeap::own(const TensorView& view) {
  if (view.kind != ValueKind::kTensor) {
    SX_ASSIGN(*view.as<const Box*>(), add(Box(box_of(view))));
  } else if (view.dtype == DType::kString) {
    for (StringRef& text : std::span(view.as<StringRef>(), static_cast<size_t>(view.elements()))) {
      SX_ASSIGN(text, copy(text.view()));
    }
  }
  return {};
}

void ValueHeap::clear() {
  boxes_.clear();
  blocks_.clear();
  left_ = bytes_ = 0;
}

}  // namespace sardonyx
