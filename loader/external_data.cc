#include "loader/external_data.h"

#include <optional>

#include "onnx/onnx.pb.h"

namespace sardonyx {
namespace {

struct Reference {
  std::string location;
  std::optional<uint64_t> offset;
  std::optional<uint64_t> length;
};

std::optional<uint64_t> parse_decimal(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  uint64_t value = 0;
  for (char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(digit - '0');
  }
  return value;
}

Result<Reference> parse_reference(const onnx::TensorProto& proto) {
  Reference reference;
  for (const onnx::StringStringEntryProto& entry : proto.external_data()) {
    const bool is_offset = entry.key() == "offset";
    if (entry.key() == "location") {
      reference.location = entry.value();
    } else if (is_offset || entry.key() == "length") {
      const auto number = parse_decimal(entry.value());
      if (!number) {
        return error(ErrorCode::EXTERNAL_DATA_INVALID,
                     "external data: %s '%s' is not a number in range", entry.key().c_str(),
                     entry.value().c_str());
      }
      (is_offset ? reference.offset : reference.length) = number;
    }
  }
  if (!is_flat_name(reference.location)) {
    return error(ErrorCode::EXTERNAL_DATA_INVALID,
                 "external data: location '%s' is not a plain file name",
                 reference.location.c_str());
  }
  return reference;
}

}  // namespace

bool is_flat_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  return name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

Result<Payload> find_external(const onnx::TensorProto& proto, const ExternalFiles* files,
                              uint64_t bytes) {
  SX_ASSIGN(const Reference reference, parse_reference(proto));
  const Payload* file = nullptr;
  if (files) {
    const auto entry = files->find(reference.location);
    if (entry != files->end()) file = &entry->second;
  }
  if (!file) {
    return error(ErrorCode::EXTERNAL_DATA_MISSING,
                 "tensor '%s' lies in file '%s', which was not given", proto.name().c_str(),
                 reference.location.c_str());
  }
  const uint64_t size = file->bytes;
  const uint64_t offset = reference.offset.value_or(0);
  if (offset > size || reference.length.value_or(0) > size - offset) {
    return error(ErrorCode::EXTERNAL_DATA_INVALID,
                 "external data: offset %llu, length %llu reach beyond the %llu bytes of '%s'",
                 static_cast<unsigned long long>(offset),
                 static_cast<unsigned long long>(reference.length.value_or(0)),
                 static_cast<unsigned long long>(size), reference.location.c_str());
  }
  const uint64_t length = reference.length.value_or(size - offset);
  if (length != bytes) {
    return error(ErrorCode::TENSOR_PAYLOAD,
                 "external data in '%s' has %llu bytes; dims and dtype ask for %llu",
                 reference.location.c_str(), static_cast<unsigned long long>(length),
                 static_cast<unsigned long long>(bytes));
  }
  Payload payload = *file;
  payload.offset += static_cast<size_t>(offset);
  payload.bytes = static_cast<size_t>(length);
  return payload;
}

}  // namespace sardonyx
