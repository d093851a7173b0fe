// onnx.TensorProto → Constant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "base/tensor.h"
#include "loader/external_data.h"

namespace onnx {
class TensorProto;
}

namespace sardonyx {

// A payload that the splitter took out of the file: the bytes of TensorProto field `field`, as they
// came over the wire. In the skeleton, TensorProto.segment.begin holds its index.
struct StoredPayload {
  int field = 0;
  Payload payload;
};

// Dims and dtype of a tensor after checking.
struct TensorSpec {
  DType dtype = DType::kUndefined;
  Shape shape;
  size_t bytes = 0;  // dense payload; 0 for strings
  // Entries that a typed field (float_data, int32_data …) must have.
  size_t entries() const;
};

// TENSOR_DIMS: negative or overflowing dims. LIMIT_EXCEEDED: rank above kMaxRank, size above 2 GiB.
// DTYPE_UNSUPPORTED: unknown dtype number.
Result<TensorSpec> check_tensor(std::span<const int64_t> dims, int32_t dtype);

// Whether `bytes` of field `field` can hold the tensor: TENSOR_PAYLOAD if not. Exact for fields of
// fixed width; for varint fields the count is checked when they are decoded.
Status check_payload_size(const TensorSpec& spec, int field, uint64_t bytes);

struct TensorSources {
  std::span<StoredPayload> stored;  // each is taken by the tensor that refers to it
  const ExternalFiles* external = nullptr;
};

// Stored and external payloads are shared, not copied, unless they are varints, misaligned for the
// dtype, or bools other than 0 and 1. Errors name the tensor: those of check_tensor(),
// TENSOR_PAYLOAD, EXTERNAL_DATA_MISSING, EXTERNAL_DATA_INVALID, OUT_OF_MEMORY.
Result<ConstantPtr> decode_tensor(const onnx::TensorProto& proto, const TensorSources& sources);

}  // namespace sardonyx
