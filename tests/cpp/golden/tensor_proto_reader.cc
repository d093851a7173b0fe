#include "tests/cpp/golden/tensor_proto_reader.h"

#include <fstream>
#include <iterator>
#include <vector>

#include "loader/tensor_decode.h"
#include "onnx/onnx.pb.h"

namespace sardonyx::testing {

Result<NamedTensor> parse_tensor_proto(std::span<const uint8_t> bytes) {
  onnx::TensorProto proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return error(ErrorCode::MODEL_MALFORMED, "the bytes are no TensorProto");
  }
  SX_ASSIGN(ConstantPtr tensor, decode_tensor(proto, {}));
  return NamedTensor{proto.name(), std::move(tensor)};
}

Result<NamedTensor> read_tensor_proto(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return error(ErrorCode::INVALID_ARGUMENT, "can not read '%s'", path.c_str());
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  return parse_tensor_proto({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace sardonyx::testing
