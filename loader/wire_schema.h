// What the splitter knows of onnx.proto: which fields of which messages the loader reads, and how.
// Fields that are not listed (doc strings, metadata, training info …) never reach the skeleton.
#pragma once

#include <cstdint>

namespace sardonyx {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

enum class MessageKind : uint8_t {
  kModel,
  kFunction,
  kGraph,
  kNode,
  kAttribute,
  kTensor,
  kSparseTensor,
  kValueInfo,
};

enum class FieldAction : uint8_t {
  kDrop,
  kKeep,      // copied to the skeleton as it is
  kMessage,   // entered
  kPayload,   // kept while small, else moved to a block of its own
  kReserved,  // the splitter's own reference: input may not contain it
};

struct FieldRule {
  MessageKind message;
  uint8_t number;
  uint8_t wire_types;  // bit n: wire type n is valid
  FieldAction action;
  MessageKind child = MessageKind::kModel;  // for kMessage

  bool allows(WireType type) const { return (wire_types >> static_cast<int>(type)) & 1; }
};

// Null for fields that the loader does not read.
const FieldRule* find_field(MessageKind message, uint32_t number);

}  // namespace sardonyx
