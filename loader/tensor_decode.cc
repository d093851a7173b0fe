#include "loader/tensor_decode.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/string_tensor.h"
#include "onnx/onnx.pb.h"

namespace sardonyx {
namespace {

using onnx::TensorProto;

// The typed field that holds elements of this dtype; 0 where there is none.
int typed_field(DType dtype) {
  switch (dtype) {
    case DType::kUndefined:
      return 0;
    case DType::kFloat32:
    case DType::kComplex64:
      return TensorProto::kFloatDataFieldNumber;
    case DType::kFloat64:
    case DType::kComplex128:
      return TensorProto::kDoubleDataFieldNumber;
    case DType::kInt64:
      return TensorProto::kInt64DataFieldNumber;
    case DType::kUint32:
    case DType::kUint64:
      return TensorProto::kUint64DataFieldNumber;
    case DType::kString:
      return TensorProto::kStringDataFieldNumber;
    default:
      return TensorProto::kInt32DataFieldNumber;
  }
}

bool is_varint_field(int field) {
  return field == TensorProto::kInt32DataFieldNumber ||
         field == TensorProto::kInt64DataFieldNumber ||
         field == TensorProto::kUint64DataFieldNumber;
}

Status wrong_size(const TensorSpec& spec, uint64_t bytes) {
  return error(ErrorCode::TENSOR_PAYLOAD, "the payload has %llu bytes; dims %s of %s ask for %llu",
               static_cast<unsigned long long>(bytes), spec.shape.to_string().c_str(),
               dtype_name(spec.dtype).data(), static_cast<unsigned long long>(spec.bytes));
}

Status wrong_entries(const TensorSpec& spec, uint64_t entries) {
  return error(ErrorCode::TENSOR_PAYLOAD, "the payload has %llu entries; dims %s of %s ask for %zu",
               static_cast<unsigned long long>(entries), spec.shape.to_string().c_str(),
               dtype_name(spec.dtype).data(), spec.entries());
}

// Writes the entries of an integer field as elements of 1, 2, 4 or 8 bytes.
class IntegerWriter {
 public:
  IntegerWriter(const TensorSpec& spec, uint8_t* out)
      : out_(out),
        left_(spec.entries()),
        width_(spec.entries() ? spec.bytes / spec.entries() : 1) {}

  bool full() const { return left_ == 0; }
  // False when the value does not fit.
  bool put(int64_t value) {
    if (width_ < 8) {
      const int64_t range = int64_t{1} << (8 * width_);
      if (value < -range / 2 || value >= range) return false;
    }
    memcpy(out_, &value, width_);  // little-endian: the low bytes come first
    out_ += width_;
    --left_;
    return true;
  }

 private:
  uint8_t* out_;
  size_t left_;
  size_t width_;
};

Status out_of_range(const TensorSpec& spec, int64_t value) {
  return error(ErrorCode::TENSOR_PAYLOAD, "value %lld does not fit %s",
               static_cast<long long>(value), dtype_name(spec.dtype).data());
}

template <typename Entries>
Result<std::shared_ptr<Constant>> from_entries(const TensorSpec& spec, const Entries& entries) {
  if (static_cast<size_t>(entries.size()) != spec.entries()) {
    return wrong_entries(spec, static_cast<uint64_t>(entries.size()));
  }
  SX_ASSIGN(auto constant, make_constant(spec.dtype, spec.shape));
  IntegerWriter writer(spec, constant->payload.block->data());
  for (const auto entry : entries) {
    if (!writer.put(static_cast<int64_t>(entry))) {
      return out_of_range(spec, static_cast<int64_t>(entry));
    }
  }
  return constant;
}

Result<std::shared_ptr<Constant>> from_varints(const TensorSpec& spec, int field,
                                               std::span<const uint8_t> bytes) {
  SX_ASSIGN(auto constant, make_constant(spec.dtype, spec.shape));
  IntegerWriter writer(spec, constant->payload.block->data());
  uint64_t entries = 0, value = 0;
  int shift = 0;
  for (const uint8_t byte : bytes) {
    if (shift > 63) return error(ErrorCode::TENSOR_PAYLOAD, "the payload is not a list of varints");
    value |= static_cast<uint64_t>(byte & 127) << shift;
    shift += 7;
    if (byte & 128) continue;
    int64_t entry = static_cast<int64_t>(value);
    if (field == TensorProto::kInt32DataFieldNumber) entry = static_cast<int32_t>(value);
    if (++entries > spec.entries()) return wrong_entries(spec, entries);
    if (!writer.put(entry)) return out_of_range(spec, entry);
    value = 0;
    shift = 0;
  }
  if (shift != 0) return error(ErrorCode::TENSOR_PAYLOAD, "the payload is not a list of varints");
  if (!writer.full()) return wrong_entries(spec, entries);
  return constant;
}

Result<std::shared_ptr<Constant>> copy_of(const TensorSpec& spec, const void* data, size_t bytes) {
  if (bytes != spec.bytes) return wrong_size(spec, bytes);
  SX_ASSIGN(auto constant, make_constant(spec.dtype, spec.shape));
  if (bytes) memcpy(constant->payload.block->data(), data, bytes);
  return constant;
}

Result<std::shared_ptr<Constant>> share(const TensorSpec& spec, const Payload& payload) {
  const size_t alignment = std::min<size_t>(8, static_cast<size_t>(dtype_bits(spec.dtype)) / 8);
  if (alignment > 1 && reinterpret_cast<uintptr_t>(payload.data()) % alignment != 0) {
    return copy_of(spec, payload.data(), payload.bytes);
  }
  auto constant = std::make_shared<Constant>();
  constant->dtype = spec.dtype;
  constant->shape = spec.shape;
  constant->payload = payload;
  return constant;
}

Result<std::shared_ptr<Constant>> from_stored(const TensorSpec& spec, const TensorProto& proto,
                                              const TensorSources& sources) {
  const int64_t index = proto.segment().begin();
  if (index < 0 || static_cast<uint64_t>(index) >= sources.stored.size()) {
    return error(ErrorCode::MODEL_UNSUPPORTED, "segmented tensors are not supported");
  }
  const StoredPayload stored = std::exchange(sources.stored[static_cast<size_t>(index)], {});
  SX_TRY(check_payload_size(spec, stored.field, stored.payload.bytes));
  if (is_varint_field(stored.field)) {
    return from_varints(spec, stored.field, {stored.payload.data(), stored.payload.bytes});
  }
  return share(spec, stored.payload);
}

Result<std::shared_ptr<Constant>> from_typed_field(const TensorSpec& spec,
                                                   const TensorProto& proto) {
  switch (typed_field(spec.dtype)) {
    case TensorProto::kFloatDataFieldNumber:
      return copy_of(spec, proto.float_data().data(),
                     static_cast<size_t>(proto.float_data_size()) * sizeof(float));
    case TensorProto::kDoubleDataFieldNumber:
      return copy_of(spec, proto.double_data().data(),
                     static_cast<size_t>(proto.double_data_size()) * sizeof(double));
    case TensorProto::kInt64DataFieldNumber:
      return from_entries(spec, proto.int64_data());
    case TensorProto::kUint64DataFieldNumber:
      return from_entries(spec, proto.uint64_data());
    default:
      return from_entries(spec, proto.int32_data());
  }
}

// Strings are in string_data and nowhere else.
Result<std::shared_ptr<Constant>> from_strings(const TensorSpec& spec, const TensorProto& proto) {
  const std::vector<std::string_view> texts(proto.string_data().begin(), proto.string_data().end());
  return make_strings(spec.shape, texts);
}

Result<std::shared_ptr<Constant>> decode(const TensorProto& proto, const TensorSources& sources) {
  SX_ASSIGN(const TensorSpec spec,
            check_tensor({proto.dims().data(), static_cast<size_t>(proto.dims_size())},
                         proto.data_type()));
  if (spec.dtype == DType::kString) return from_strings(spec, proto);
  const bool external = proto.data_location() == TensorProto::EXTERNAL;
  const bool typed = proto.float_data_size() || proto.int32_data_size() ||
                     proto.int64_data_size() || proto.double_data_size() ||
                     proto.uint64_data_size() || proto.string_data_size();
  const bool raw = !proto.raw_data().empty();
  if (external + typed + raw + proto.has_segment() > 1) {
    return error(ErrorCode::TENSOR_PAYLOAD, "the tensor has more than one payload");
  }
  if (external) {
    SX_ASSIGN(const Payload payload, find_external(proto, sources.external, spec.bytes));
    return share(spec, payload);
  }
  if (proto.has_segment()) return from_stored(spec, proto, sources);
  if (raw) return copy_of(spec, proto.raw_data().data(), proto.raw_data().size());
  return from_typed_field(spec, proto);
}

// Bools are read as 0 or 1 everywhere; other bytes count as true.
Result<std::shared_ptr<Constant>> with_clean_bools(std::shared_ptr<Constant> constant) {
  const std::span<const uint8_t> bytes(constant->payload.data(), constant->payload.bytes);
  if (constant->dtype != DType::kBool ||
      std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte < 2; })) {
    return constant;
  }
  SX_ASSIGN(auto clean, make_constant(DType::kBool, constant->shape));
  std::transform(bytes.begin(), bytes.end(), clean->payload.block->data(),
                 [](uint8_t byte) { return static_cast<uint8_t>(byte != 0); });
  return clean;
}

}  // namespace

size_t TensorSpec::entries() const {
  const int bits = dtype_bits(dtype);
  if (dtype == DType::kComplex64) return bytes / sizeof(float);
  if (dtype == DType::kComplex128) return bytes / sizeof(double);
  return bits > 8 ? bytes / static_cast<size_t>(bits / 8) : bytes;
}

Result<TensorSpec> check_tensor(std::span<const int64_t> dims, int32_t dtype) {
  if (!is_known_dtype(dtype)) {
    return error(ErrorCode::DTYPE_UNSUPPORTED, "dtype number %d is unknown", dtype);
  }
  if (dims.size() > static_cast<size_t>(kMaxRank)) {
    return error(ErrorCode::LIMIT_EXCEEDED, "the tensor has %zu dims; the limit is %d", dims.size(),
                 kMaxRank);
  }
  TensorSpec spec;
  spec.dtype = static_cast<DType>(dtype);
  spec.shape = Shape(dims);
  for (const int64_t dim : dims) {
    if (dim < 0) {
      return error(ErrorCode::TENSOR_DIMS, "dim %lld is negative", static_cast<long long>(dim));
    }
  }
  if (!spec.shape.elements()) {
    return error(ErrorCode::TENSOR_DIMS, "the product of the dims overflows");
  }
  const auto bytes = storage_bytes(spec.dtype, spec.shape, Layout::kRowMajor);
  if (!bytes) {
    return error(ErrorCode::LIMIT_EXCEEDED, "a tensor of %s %s is above the limit of 2 GiB",
                 dtype_name(spec.dtype).data(), spec.shape.to_string().c_str());
  }
  spec.bytes = spec.dtype == DType::kString ? 0 : *bytes;
  return spec;
}

Status check_payload_size(const TensorSpec& spec, int field, uint64_t bytes) {
  if (field != TensorProto::kRawDataFieldNumber && field != typed_field(spec.dtype)) {
    return error(ErrorCode::TENSOR_PAYLOAD, "a tensor of %s can not have its payload in field %d",
                 dtype_name(spec.dtype).data(), field);
  }
  if (!is_varint_field(field)) return bytes == spec.bytes ? Status() : wrong_size(spec, bytes);
  constexpr uint64_t kMaxVarintBytes = 10;
  const uint64_t entries = spec.entries();
  return bytes >= entries && bytes <= entries * kMaxVarintBytes ? Status()
                                                                : wrong_size(spec, bytes);
}

Result<ConstantPtr> decode_tensor(const TensorProto& proto, const TensorSources& sources) {
  auto decoded = decode(proto, sources);
  if (decoded.ok()) decoded = with_clean_bools(decoded.take());
  if (!decoded.ok()) return decoded.take_status().at_tensor(proto.name());
  return ConstantPtr(decoded.take());
}

}  // namespace sardonyx
