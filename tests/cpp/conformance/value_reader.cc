#include "tests/cpp/conformance/value_reader.h"

#include <google/protobuf/io/coded_stream.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "tests/cpp/golden/tensor_proto_reader.h"

namespace sardonyx::test {
namespace {

using google::protobuf::io::CodedInputStream;

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct Field {
  uint32_t number = 0;
  uint64_t varint = 0;
  std::string bytes;
};

// Fields of SequenceProto and OptionalProto are varints and bytes.
bool read_field(CodedInputStream& stream, Field& field) {
  const uint32_t tag = stream.ReadTag();
  field.number = tag >> 3;
  if ((tag & 7) == 0) return stream.ReadVarint64(&field.varint);
  int length = 0;
  return (tag & 7) == 2 && stream.ReadVarintSizeAsInt(&length) &&
         stream.ReadString(&field.bytes, length);
}

// onnx-data.proto: 1 name, 2 what it holds; a sequence has its tensors in 3, an optional its tensor
// in 3 and its sequence in 5.
Result<NamedBox> parse_box(const std::string& bytes, ValueKind kind) {
  NamedBox out;
  bool present = !is_optional(kind);
  std::vector<ConstantPtr> tensors;
  CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()),
                          static_cast<int>(bytes.size()));
  for (Field field; stream.CurrentPosition() < static_cast<int>(bytes.size());) {
    if (!read_field(stream, field)) {
      return error(ErrorCode::MODEL_MALFORMED, "the file is no %s", kind_name(kind).data());
    }
    if (field.number == 1) out.name = field.bytes;
    if (field.number == 3) {
      SX_ASSIGN(testing::NamedTensor tensor, testing::parse_tensor_proto(bytes_of(field.bytes)));
      tensors.push_back(std::move(tensor.tensor));
      present = true;
    }
    if (field.number == 5) {
      SX_ASSIGN(const NamedBox inner, parse_box(field.bytes, ValueKind::kSequence));
      out.box = inner.box;
      return out;
    }
  }
  out.box = present ? Box(std::move(tensors)) : Box::absent();
  return out;
}

}  // namespace

Result<NamedBox> read_value(const std::string& path, ValueKind kind) {
  if (kind == ValueKind::kTensor) {
    SX_ASSIGN(testing::NamedTensor read, testing::read_tensor_proto(path));
    return NamedBox{read.name, Box({read.tensor})};
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return error(ErrorCode::INVALID_ARGUMENT, "can not read '%s'", path.c_str());
  return parse_box({std::istreambuf_iterator<char>(file), {}}, kind);
}

}  // namespace sardonyx::test
