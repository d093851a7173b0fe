// The files of ONNX's test data: TensorProto, SequenceProto and OptionalProto.
#pragma once

#include <string>

#include "base/box.h"

namespace sardonyx::test {

struct NamedBox {
  std::string name;
  Box box;  // a tensor is a box with one element
};

// Reads the file as what a value of that kind is stored as. INVALID_ARGUMENT, MODEL_MALFORMED, and
// the errors of tensors.
Result<NamedBox> read_value(const std::string& path, ValueKind kind);

}  // namespace sardonyx::test
