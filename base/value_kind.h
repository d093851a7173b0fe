// What a value is. Operators give tensors, sequences of tensors, and optionals of both.
#pragma once

#include <cstdint>
#include <string_view>

namespace sardonyx {

// The numbers cross the C ABI.
enum class ValueKind : uint8_t {
  kTensor = 0,
  kSequence = 1,
  kOptional = 2,          // of a tensor
  kOptionalSequence = 3,  // of a sequence
};

constexpr bool is_optional(ValueKind kind) {
  return kind == ValueKind::kOptional || kind == ValueKind::kOptionalSequence;
}
// What an optional holds; other kinds stay.
constexpr ValueKind content_kind(ValueKind kind) {
  if (kind == ValueKind::kOptional) return ValueKind::kTensor;
  return kind == ValueKind::kOptionalSequence ? ValueKind::kSequence : kind;
}

// "tensor", "sequence", "optional tensor", "optional sequence".
std::string_view kind_name(ValueKind kind);

}  // namespace sardonyx
