// Payloads in files beside the model.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/block.h"
#include "base/status.h"

namespace onnx {
class TensorProto;
}

namespace sardonyx {

using ExternalFiles = std::map<std::string, Payload, std::less<>>;

// A name without folders: not empty, no '/', '\\' or NUL, neither "." nor "..".
bool is_flat_name(std::string_view name);

// The range of the file that the tensor's external_data names, `bytes` long. EXTERNAL_DATA_MISSING
// when the file was not given (`files` may be null); EXTERNAL_DATA_INVALID for a bad location,
// offset or length, or a range beyond the file; TENSOR_PAYLOAD when the length differs from
// `bytes`.
Result<Payload> find_external(const onnx::TensorProto& proto, const ExternalFiles* files,
                              uint64_t bytes);

}  // namespace sardonyx
