// Separates an ONNX file into payloads and skeleton while it arrives.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "loader/skeleton.h"
#include "loader/tensor_decode.h"
#include "loader/wire_schema.h"

namespace sardonyx {

inline constexpr size_t kMinPayloadBytes = 1024;   // smaller ones stay in the skeleton
inline constexpr size_t kMaxMessageDepth = 64;     // a nested graph takes three levels
inline constexpr uint64_t kMaxFields = 8'000'000;  // bounds what protobuf allocates
// Largest payload that is allocated before the tensor's dims and dtype have come.
inline constexpr uint64_t kMaxUncheckedPayload = uint64_t{64} << 20;

// A push parser of the protobuf wire format, for chunks of any size. Payloads of kMinPayloadBytes
// and more, in fields that are listed as such in wire_schema.cc, go to blocks of their own; in the
// skeleton TensorProto.segment.begin holds the index of the block instead, a field that input may
// not use. Messages that are entered get lengths of five bytes, patched when they end.
// Thread-compatible; not to be used after an error.
class Splitter {
 public:
  Splitter();

  // Lets a length beyond the end of the file fail at once.
  void expect_size(uint64_t bytes) { frames_.front().end = bytes; }
  // MODEL_MALFORMED, LIMIT_EXCEEDED, OUT_OF_MEMORY; the errors of check_tensor() and
  // check_payload_size() before a payload is allocated. Names node and tensor where known.
  Status push(std::span<const uint8_t> chunk);
  // MODEL_EMPTY, MODEL_TRUNCATED.
  Status finish();

  const Skeleton& skeleton() const { return skeleton_; }
  std::vector<StoredPayload> take_stored() { return std::move(stored_); }

 private:
  enum class Step : uint8_t { kTag, kValue, kLength, kBytes };
  enum class Sink : uint8_t { kSkip, kSkeleton, kBlock };

  // Text in the skeleton.
  struct Range {
    size_t position = 0;
    size_t size = 0;
  };
  struct Frame {
    MessageKind kind = MessageKind::kModel;
    uint64_t end = UINT64_MAX;  // in the input
    size_t length_position = 0;
    Range name;
    Range type;  // of a node
  };
  // What is known of the tensor that is arriving.
  struct Tensor {
    std::array<int64_t, kMaxRank + 1> dims{};
    size_t rank = 0;  // capped at kMaxRank + 1
    int32_t dtype = 0;
    bool has_payload = false;
    Status failure;  // reported when the tensor's name is known
  };

  Status header_byte(uint8_t byte);
  Status take_bytes(std::span<const uint8_t> bytes);
  Status on_tag(uint64_t tag);
  Status on_value(uint64_t value);
  Status on_length(uint64_t length);
  Status begin_bytes(uint64_t count, Sink sink);
  Status begin_message(uint64_t length);
  Status begin_payload(uint64_t bytes);
  Status store_payload(uint64_t bytes);
  Status check_payload(uint64_t bytes) const;
  Status end_field();
  void note_text(Range range);
  void note_dims(Range range);
  void note_dim(uint64_t dim);

  Status fail(Status status) const;
  std::string text(Range range) const { return skeleton_.read(range.position, range.size); }

  Skeleton skeleton_;
  std::vector<StoredPayload> stored_;
  std::vector<Frame> frames_;
  Tensor tensor_;

  Step step_ = Step::kTag;
  uint64_t position_ = 0;  // in the input
  uint64_t fields_ = 0;
  uint64_t varint_ = 0;
  int shift_ = 0;
  uint32_t number_ = 0;  // of the current field
  WireType wire_ = WireType::kVarint;
  const FieldRule* rule_ = nullptr;
  FieldAction action_ = FieldAction::kDrop;
  Sink sink_ = Sink::kSkip;
  uint64_t left_ = 0;  // bytes of the current field
  Range kept_;         // where the current field's bytes go in the skeleton
};

}  // namespace sardonyx
