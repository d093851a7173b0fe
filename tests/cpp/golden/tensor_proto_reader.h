// Serialized onnx.TensorProto files: the format of ONNX's test data and of ../shared/golden.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"
#include "base/tensor.h"

namespace sardonyx::testing {

struct NamedTensor {
  std::string name;
  ConstantPtr tensor;
};

// MODEL_MALFORMED when the bytes are no TensorProto; otherwise the errors of decode_tensor().
Result<NamedTensor> parse_tensor_proto(std::span<const uint8_t> bytes);

// INVALID_ARGUMENT when the file can not be read.
Result<NamedTensor> read_tensor_proto(const std::string& path);

}  // namespace sardonyx::testing
