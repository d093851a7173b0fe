#include "loader/splitter.h"

#include <algorithm>
#include <cstring>

#include "onnx/onnx.pb.h"

namespace sardonyx {
namespace {

using onnx::NodeProto;
using onnx::TensorProto;

constexpr uint64_t kMaxMessageBytes = INT32_MAX;  // protobuf's own limit
constexpr size_t kMaxNameBytes = 256;             // of a name in an error
constexpr int kLastVarintShift = 63;

const char* message_name(MessageKind kind) {
  static constexpr const char* kNames[] = {"model",     "function", "graph",         "node",
                                           "attribute", "tensor",   "sparse tensor", "value"};
  return kNames[static_cast<size_t>(kind)];
}

constexpr uint64_t tag_of(uint32_t number, WireType type) {
  return uint64_t{number} << 3 | static_cast<uint64_t>(type);
}

}  // namespace

Splitter::Splitter() {
  frames_.emplace_back();
}

Status Splitter::push(std::span<const uint8_t> chunk) {
  while (!chunk.empty()) {
    size_t count = 1;
    Status status;
    if (step_ == Step::kBytes) {
      count = static_cast<size_t>(std::min<uint64_t>(left_, chunk.size()));
      status = take_bytes(chunk.first(count));
    } else {
      status = header_byte(chunk[0]);
    }
    if (!status.ok()) return fail(std::move(status));
    chunk = chunk.subspan(count);
  }
  return {};
}

Status Splitter::finish() {
  if (position_ == 0) return error(ErrorCode::MODEL_EMPTY, "the model has no bytes");
  const bool between_fields = frames_.size() == 1 && step_ == Step::kTag && shift_ == 0;
  if (between_fields) return {};
  if (!tensor_.failure.ok()) return fail(std::move(tensor_.failure));
  const auto kind = frames_.back().kind;
  return fail(error(ErrorCode::MODEL_TRUNCATED,
                    "the file ends after %llu bytes, in the middle of a %s%s",
                    static_cast<unsigned long long>(position_), message_name(kind),
                    step_ == Step::kBytes && sink_ == Sink::kBlock ? "'s payload" : ""));
}

Status Splitter::header_byte(uint8_t byte) {
  ++position_;
  if (shift_ > kLastVarintShift || (shift_ == kLastVarintShift && byte > 1)) {
    return error(ErrorCode::MODEL_MALFORMED, "a number at byte %llu is longer than 64 bits",
                 static_cast<unsigned long long>(position_));
  }
  varint_ |= static_cast<uint64_t>(byte & 127) << shift_;
  shift_ += 7;
  if (byte & 128) return {};
  const uint64_t number = varint_;
  varint_ = 0;
  shift_ = 0;
  if (position_ > frames_.back().end) {
    return error(ErrorCode::MODEL_MALFORMED, "a %s at byte %llu is longer than its length says",
                 message_name(frames_.back().kind), static_cast<unsigned long long>(position_));
  }
  switch (step_) {
    case Step::kTag:
      return on_tag(number);
    case Step::kValue:
      return on_value(number);
    default:
      return on_length(number);
  }
}

Status Splitter::on_tag(uint64_t tag) {
  const MessageKind kind = frames_.back().kind;
  const uint64_t wire = tag & 7;
  const bool known_wire = wire == 0 || wire == 1 || wire == 2 || wire == 5;
  const uint64_t number = tag >> 3;
  if (!known_wire || number == 0 || tag > UINT32_MAX) {
    return error(ErrorCode::MODEL_MALFORMED,
                 frames_.size() == 1 && fields_ == 0
                     ? "the file is not an ONNX model (byte %llu)"
                     : "the bytes before byte %llu are no valid ONNX",
                 static_cast<unsigned long long>(position_));
  }
  number_ = static_cast<uint32_t>(number);
  wire_ = static_cast<WireType>(wire);
  rule_ = find_field(kind, number_);
  action_ = rule_ ? rule_->action : FieldAction::kDrop;
  if (rule_ ? !rule_->allows(wire_) : fields_ == 0) {
    return error(ErrorCode::MODEL_MALFORMED, "byte %llu: field %u of type %u does not fit a %s",
                 static_cast<unsigned long long>(position_), number_, static_cast<unsigned>(wire_),
                 message_name(kind));
  }
  if (++fields_ > kMaxFields) {
    return error(ErrorCode::LIMIT_EXCEEDED, "the model has more than %llu fields",
                 static_cast<unsigned long long>(kMaxFields));
  }
  if (action_ == FieldAction::kReserved && tensor_.failure.ok()) {
    tensor_.failure =
        error(ErrorCode::MODEL_UNSUPPORTED, "tensors in several segments are not supported");
  }
  if (action_ == FieldAction::kPayload && wire_ != WireType::kBytes) action_ = FieldAction::kKeep;
  if (action_ == FieldAction::kKeep || action_ == FieldAction::kMessage) {
    SX_TRY(skeleton_.append_varint(tag));
  }
  const Sink sink = action_ == FieldAction::kKeep ? Sink::kSkeleton : Sink::kSkip;
  switch (wire_) {
    case WireType::kVarint:
      step_ = Step::kValue;
      return {};
    case WireType::kBytes:
      step_ = Step::kLength;
      return {};
    case WireType::kFixed32:
      return begin_bytes(4, sink);
    case WireType::kFixed64:
      return begin_bytes(8, sink);
  }
  return {};
}

Status Splitter::on_value(uint64_t value) {
  if (action_ == FieldAction::kKeep) SX_TRY(skeleton_.append_varint(value));
  if (frames_.back().kind == MessageKind::kTensor) {
    if (number_ == TensorProto::kDimsFieldNumber) note_dim(value);
    if (number_ == TensorProto::kDataTypeFieldNumber) tensor_.dtype = static_cast<int32_t>(value);
  }
  kept_ = {};
  return end_field();
}

Status Splitter::on_length(uint64_t length) {
  switch (action_) {
    case FieldAction::kMessage:
      return begin_message(length);
    case FieldAction::kPayload:
      if (length >= kMinPayloadBytes) return begin_payload(length);
      SX_TRY(skeleton_.append_varint(tag_of(number_, wire_)));
      [[fallthrough]];
    case FieldAction::kKeep:
      SX_TRY(skeleton_.append_varint(length));
      return begin_bytes(length, Sink::kSkeleton);
    default:
      return begin_bytes(length, Sink::kSkip);
  }
}

// The one check that what follows lies within the message that it is part of.
Status Splitter::begin_bytes(uint64_t count, Sink sink) {
  const Frame& frame = frames_.back();
  if (count > kMaxMessageBytes || (count > frame.end - position_ && frames_.size() > 1)) {
    return error(ErrorCode::MODEL_MALFORMED,
                 "byte %llu: field %u with %llu bytes is too long for its %s",
                 static_cast<unsigned long long>(position_), number_,
                 static_cast<unsigned long long>(count), message_name(frame.kind));
  }
  if (count > frame.end - position_) {
    return error(ErrorCode::MODEL_TRUNCATED, "the file has %llu bytes; the model needs more",
                 static_cast<unsigned long long>(frame.end));
  }
  step_ = Step::kBytes;
  sink_ = sink;
  left_ = count;
  kept_ = {skeleton_.size(), sink == Sink::kSkeleton ? static_cast<size_t>(count) : 0};
  return count ? Status() : end_field();
}

Status Splitter::begin_message(uint64_t length) {
  const size_t position = skeleton_.size();
  SX_TRY(skeleton_.append_length_space());
  if (frames_.size() == kMaxMessageDepth) {
    return error(ErrorCode::LIMIT_EXCEEDED, "graphs are nested too deeply");
  }
  const MessageKind kind = rule_->child;
  const uint64_t end = position_ + length;
  if (length) SX_TRY(begin_bytes(length, Sink::kSkip));
  Frame frame;
  frame.kind = kind;
  frame.end = end;
  frame.length_position = position;
  frames_.push_back(frame);
  if (kind == MessageKind::kTensor) tensor_ = {};
  step_ = Step::kTag;
  kept_ = {};
  rule_ = nullptr;
  return length ? Status() : end_field();
}

// A payload that can not be right is skipped, and reported when the tensor's name is known.
Status Splitter::begin_payload(uint64_t bytes) {
  Status checked = check_payload(bytes);
  if (checked.ok()) return store_payload(bytes);
  if (frames_.back().name.size) return checked;
  if (tensor_.failure.ok()) tensor_.failure = std::move(checked);
  return begin_bytes(bytes, Sink::kSkip);
}

Status Splitter::check_payload(uint64_t bytes) const {
  if (tensor_.has_payload) {
    return error(ErrorCode::TENSOR_PAYLOAD, "the tensor has more than one payload");
  }
  if (tensor_.rank == 0 || tensor_.dtype == 0) {
    if (bytes <= kMaxUncheckedPayload) return {};
    return error(ErrorCode::MODEL_MALFORMED, "a payload of %llu bytes comes before dims and dtype",
                 static_cast<unsigned long long>(bytes));
  }
  SX_ASSIGN(const TensorSpec spec,
            check_tensor({tensor_.dims.data(), tensor_.rank}, tensor_.dtype));
  return check_payload_size(spec, static_cast<int>(number_), bytes);
}

Status Splitter::store_payload(uint64_t bytes) {
  SX_TRY(begin_bytes(bytes, Sink::kBlock));
  SX_ASSIGN(Block block, Block::allocate(bytes));
  const size_t index = stored_.size();
  stored_.push_back({static_cast<int>(number_),
                     {std::make_shared<Block>(std::move(block)), 0, static_cast<size_t>(bytes)}});
  tensor_.has_payload = true;

  uint8_t reference[8] = {
      static_cast<uint8_t>(tag_of(TensorProto::Segment::kBeginFieldNumber, WireType::kVarint))};
  size_t size = 1;
  size_t rest = index;
  for (; rest >= 128; rest >>= 7) reference[size++] = static_cast<uint8_t>(rest | 128);
  reference[size++] = static_cast<uint8_t>(rest);
  SX_TRY(skeleton_.append_varint(tag_of(TensorProto::kSegmentFieldNumber, WireType::kBytes)));
  SX_TRY(skeleton_.append_varint(size));
  return skeleton_.append({reference, size});
}

Status Splitter::take_bytes(std::span<const uint8_t> bytes) {
  if (sink_ == Sink::kSkeleton) SX_TRY(skeleton_.append(bytes));
  if (sink_ == Sink::kBlock) {
    const Payload& payload = stored_.back().payload;
    memcpy(payload.block->data() + (payload.bytes - left_), bytes.data(), bytes.size());
  }
  position_ += bytes.size();
  left_ -= bytes.size();
  return left_ ? Status() : end_field();
}

// Also ends the messages that end with the field.
Status Splitter::end_field() {
  if (kept_.size) note_text(kept_);
  step_ = Step::kTag;
  while (frames_.size() > 1 && frames_.back().end == position_) {
    const Frame& frame = frames_.back();
    if (frame.kind == MessageKind::kTensor && !tensor_.failure.ok()) {
      return std::move(tensor_.failure);
    }
    const size_t length = skeleton_.size() - frame.length_position - 5;
    skeleton_.patch_length(frame.length_position, static_cast<uint32_t>(length));
    frames_.pop_back();
  }
  return {};
}

void Splitter::note_text(Range range) {
  Frame& frame = frames_.back();
  const Range name{range.position, std::min(range.size, kMaxNameBytes)};
  if (frame.kind == MessageKind::kTensor) {
    if (number_ == TensorProto::kNameFieldNumber) frame.name = name;
    if (number_ == TensorProto::kDimsFieldNumber) note_dims(range);
  } else if (frame.kind == MessageKind::kNode) {
    if (number_ == NodeProto::kNameFieldNumber) frame.name = name;
    if (number_ == NodeProto::kOpTypeFieldNumber) frame.type = name;
  } else if (frame.kind == MessageKind::kValueInfo) {
    if (number_ == onnx::ValueInfoProto::kNameFieldNumber) frame.name = name;
  }
}

void Splitter::note_dims(Range range) {
  constexpr size_t kMaxVarintBytes = 10;
  if (range.size > kMaxVarintBytes * kMaxRank) {
    tensor_.rank = kMaxRank + 1;
    return;
  }
  uint64_t dim = 0;
  int shift = 0;
  for (const char byte : text(range)) {
    if (shift <= kLastVarintShift) dim |= static_cast<uint64_t>(byte & 127) << shift;
    shift += 7;
    if (byte & 128) continue;
    note_dim(dim);
    dim = 0;
    shift = 0;
  }
}

void Splitter::note_dim(uint64_t dim) {
  if (tensor_.rank <= kMaxRank) tensor_.dims[tensor_.rank++] = static_cast<int64_t>(dim);
}

// Names the tensor and the node that the position lies in.
Status Splitter::fail(Status status) const {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    const bool is_value =
        frame->kind == MessageKind::kTensor || frame->kind == MessageKind::kValueInfo;
    if (is_value && frame->name.size) status = std::move(status).at_tensor(text(frame->name));
    if (frame->kind == MessageKind::kNode && (frame->name.size || frame->type.size)) {
      return std::move(status).at_node(text(frame->name), text(frame->type));
    }
  }
  return status;
}

}  // namespace sardonyx
