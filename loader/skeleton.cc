#include "loader/skeleton.h"

#include <google/protobuf/io/zero_copy_stream.h>

#include <algorithm>
#include <cstring>

#include "onnx/onnx.pb.h"

namespace sardonyx {
namespace {

constexpr size_t kBlockBytes = size_t{64} << 10;

}  // namespace

class Skeleton::Stream : public google::protobuf::io::ZeroCopyInputStream {
 public:
  explicit Stream(const Skeleton& skeleton) : skeleton_(skeleton) {}

  bool Next(const void** data, int* size) override {
    if (position_ == skeleton_.size_) return false;
    const size_t count =
        std::min(kBlockBytes - position_ % kBlockBytes, skeleton_.size_ - position_);
    *data = &skeleton_.at(position_);
    *size = static_cast<int>(count);
    position_ += count;
    return true;
  }
  void BackUp(int count) override { position_ -= static_cast<size_t>(count); }
  bool Skip(int count) override {
    const size_t wanted = static_cast<size_t>(count);
    const size_t left = skeleton_.size_ - position_;
    position_ += std::min(wanted, left);
    return wanted <= left;
  }
  int64_t ByteCount() const override { return static_cast<int64_t>(position_); }

 private:
  const Skeleton& skeleton_;
  size_t position_ = 0;
};

uint8_t& Skeleton::at(size_t position) const {
  return blocks_[position / kBlockBytes].data()[position % kBlockBytes];
}

Status Skeleton::append(std::span<const uint8_t> bytes) {
  if (bytes.size() > kMaxSkeletonBytes - size_) {
    return error(ErrorCode::LIMIT_EXCEEDED,
                 "the model has more than %zu MiB of structure beside its payloads",
                 kMaxSkeletonBytes >> 20);
  }
  while (!bytes.empty()) {
    if (size_ == blocks_.size() * kBlockBytes) {
      SX_ASSIGN(Block block, Block::allocate(kBlockBytes));
      blocks_.push_back(std::move(block));
    }
    const size_t count = std::min(kBlockBytes - size_ % kBlockBytes, bytes.size());
    memcpy(&at(size_), bytes.data(), count);
    size_ += count;
    bytes = bytes.subspan(count);
  }
  return {};
}

Status Skeleton::append_varint(uint64_t value) {
  uint8_t bytes[10];
  size_t count = 0;
  for (; value >= 128; value >>= 7) bytes[count++] = static_cast<uint8_t>(value | 128);
  bytes[count++] = static_cast<uint8_t>(value);
  return append({bytes, count});
}

Status Skeleton::append_length_space() {
  static constexpr uint8_t kSpace[5] = {};
  return append(kSpace);
}

void Skeleton::patch_length(size_t position, uint32_t length) {
  for (size_t i = 0; i < 5; ++i, length >>= 7) {
    at(position + i) = static_cast<uint8_t>((length & 127) | (i < 4 ? 128 : 0));
  }
}

std::string Skeleton::read(size_t position, size_t count) const {
  std::string text(count, '\0');
  for (size_t i = 0; i < count; ++i) text[i] = static_cast<char>(at(position + i));
  return text;
}

bool Skeleton::parse(onnx::ModelProto& model) const {
  Stream stream(*this);
  return model.ParseFromZeroCopyStream(&stream);
}

}  // namespace sardonyx
