#include "tests/cpp/conformance/tensor_mutation.h"

#include <cstring>

#include "base/dtype.h"

namespace sardonyx::test {
namespace {

template <typename T>
void store(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

// One element, as a number that its dtype has or as bits.
void write_element(char* at, int dtype, Draw& draw) {
  const int64_t whole = draw.whole();
  switch (static_cast<DType>(dtype)) {
    case DType::kFloat32:
      return store(at, static_cast<float>(draw.real()));
    case DType::kFloat64:
      return store(at, draw.real());
    case DType::kInt64:
    case DType::kUint64:
      return store(at, whole);
    case DType::kInt32:
    case DType::kUint32:
      return store(at, static_cast<uint32_t>(static_cast<uint64_t>(whole)));
    case DType::kInt16:
    case DType::kUint16:
    case DType::kFloat16:
    case DType::kBfloat16:
      return store(at, static_cast<uint16_t>(static_cast<uint64_t>(whole)));
    default:
      *at = static_cast<char>(whole);
  }
}

void mutate_elements(onnx::TensorProto& tensor, Draw& draw) {
  std::string& raw = *tensor.mutable_raw_data();
  const size_t size = raw_bytes(tensor.data_type(), 1);
  if (size == 0 || raw.size() < size) return;
  const size_t count = raw.size() / size;
  const size_t changes = 1 + draw.below(3);
  for (size_t i = 0; i < changes; ++i) {
    const size_t element = draw.below(count);
    write_element(raw.data() + element * size, tensor.data_type(), draw);
    draw.tell("element " + std::to_string(element) + " of '" + tensor.name() + "'");
  }
}

void mutate_typed_elements(onnx::TensorProto& tensor, Draw& draw) {
  if (tensor.int64_data_size() > 0) {
    tensor.set_int64_data(
        static_cast<int>(draw.below(static_cast<size_t>(tensor.int64_data_size()))), draw.whole());
  } else if (tensor.int32_data_size() > 0) {
    tensor.set_int32_data(
        static_cast<int>(draw.below(static_cast<size_t>(tensor.int32_data_size()))),
        static_cast<int32_t>(draw.whole()));
  } else if (tensor.float_data_size() > 0) {
    tensor.set_float_data(
        static_cast<int>(draw.below(static_cast<size_t>(tensor.float_data_size()))),
        static_cast<float>(draw.real()));
  }
  draw.tell("an element of '" + tensor.name() + "'");
}

void mutate_dims(onnx::TensorProto& tensor, Draw& draw) {
  const int rank = tensor.dims_size();
  switch (draw.below(4)) {
    case 0:
      tensor.add_dims(draw.dim());
      break;
    case 1:
      if (rank > 0) tensor.mutable_dims()->RemoveLast();
      break;
    default:
      if (rank > 0)
        tensor.set_dims(static_cast<int>(draw.below(static_cast<size_t>(rank))), draw.dim());
  }
  std::string dims;
  for (const int64_t dim : tensor.dims()) dims += (dims.empty() ? "" : ",") + std::to_string(dim);
  draw.tell("dims of '" + tensor.name() + "' are [" + dims + "]");
}

}  // namespace

size_t raw_bytes(int dtype, int64_t elements) {
  if (!is_known_dtype(dtype) || dtype == static_cast<int>(DType::kString)) return 0;
  const int bits = dtype_bits(static_cast<DType>(dtype));
  return (static_cast<size_t>(elements) * static_cast<size_t>(bits) + 7) / 8;
}

void fit_payload(onnx::TensorProto& tensor) {
  if (!tensor.has_raw_data()) return;
  int64_t elements = 1;
  for (const int64_t dim : tensor.dims()) {
    if (dim < 0 || dim > kMaxMutatedElements) return;
    elements *= dim;
    if (elements > kMaxMutatedElements) return;
  }
  const size_t wanted = raw_bytes(tensor.data_type(), elements);
  std::string& raw = *tensor.mutable_raw_data();
  if (raw.empty()) raw.assign(1, '\1');
  while (raw.size() < wanted) raw.append(raw, 0, wanted - raw.size());
  raw.resize(wanted);
}

void mutate_tensor(onnx::TensorProto& tensor, Draw& draw) {
  switch (draw.below(8)) {
    case 0:
    case 1:
      mutate_dims(tensor, draw);
      if (!draw.one_in(6)) fit_payload(tensor);
      break;
    case 2:
      tensor.set_data_type(static_cast<int>(draw.below(28)));
      draw.tell("dtype of '" + tensor.name() + "' is " + std::to_string(tensor.data_type()));
      if (!draw.one_in(6)) fit_payload(tensor);
      break;
    default:
      if (tensor.has_raw_data()) {
        mutate_elements(tensor, draw);
      } else {
        mutate_typed_elements(tensor, draw);
      }
  }
}

}  // namespace sardonyx::test
