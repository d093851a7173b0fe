#include "ops/shape_rule.h"

#include <cstring>
#include <string>

namespace sardonyx::ops {
namespace {

Status check_int_shape(DType dtype, bool has_shape, const Shape& shape) {
  if (dtype != DType::kInt64 && dtype != DType::kInt32) return unsupported_dtype(dtype);
  if (has_shape && shape.rank() > 1) {
    return error(ErrorCode::SHAPE_MISMATCH, "a list of integers has shape %s",
                 shape.to_string().c_str());
  }
  return {};
}

}  // namespace

Status check_arity(const InferContext& context, size_t required, size_t maximum,
                   size_t max_outputs) {
  for (size_t i = 0; i < required; ++i) {
    if (!context.has_input(i)) {
      return error(ErrorCode::GRAPH_INPUT_MISSING, "input %zu is required", i);
    }
  }
  if (context.inputs.size() > maximum) {
    return error(ErrorCode::MODEL_MALFORMED, "%zu inputs given, at most %zu allowed",
                 context.inputs.size(), maximum);
  }
  if (context.outputs.empty() || context.outputs.size() > max_outputs) {
    return error(ErrorCode::MODEL_MALFORMED, "%zu outputs named, 1 to %zu allowed",
                 context.outputs.size(), max_outputs);
  }
  return {};
}

Status unsupported_dtype(DType dtype) {
  return error(ErrorCode::DTYPE_UNSUPPORTED, "dtype %s is not supported here",
               std::string(dtype_name(dtype)).c_str());
}

Status check_dtype(const InferContext& context, size_t input,
                   std::initializer_list<DType> allowed) {
  if (!context.has_input(input)) return {};
  for (DType dtype : allowed) {
    if (context.inputs[input].dtype == dtype) return {};
  }
  return error(ErrorCode::DTYPE_UNSUPPORTED, "input %zu of dtype %s is not supported", input,
               std::string(dtype_name(context.inputs[input].dtype)).c_str());
}

Status check_same_dtype(const InferContext& context, size_t a, size_t b) {
  if (!context.has_input(a) || !context.has_input(b)) return {};
  const DType x = context.inputs[a].dtype;
  const DType y = context.inputs[b].dtype;
  if (x == y) return {};
  return error(ErrorCode::DTYPE_UNSUPPORTED, "inputs %zu and %zu are %s and %s: must be the same",
               a, b, std::string(dtype_name(x)).c_str(), std::string(dtype_name(y)).c_str());
}

Result<size_t> element_bytes(DType dtype) {
  const int bits = dtype_bits(dtype);
  if (bits < 8) return unsupported_dtype(dtype);
  return static_cast<size_t>(bits / 8);
}

Status check_movable(DType dtype) {
  return element_bytes(dtype).take_status();
}

Result<int> check_axis(int64_t axis, int rank) {
  const auto normal = normalize_axis(axis, rank);
  if (!normal) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "axis %lld is out of range for rank %d",
                 static_cast<long long>(axis), rank);
  }
  return *normal;
}

Result<DType> dtype_attribute(const Attributes& attributes, const char* name, DType fallback) {
  const int64_t wanted = attributes.get_int(name, 0);
  if (wanted == 0) return fallback;
  if (wanted > 0 && wanted <= INT32_MAX && is_known_dtype(static_cast<int32_t>(wanted))) {
    return static_cast<DType>(wanted);
  }
  return error(ErrorCode::ATTRIBUTE_INVALID, "attribute '%s' is %lld: not a dtype", name,
               static_cast<long long>(wanted));
}

bool IntList::push_back(int64_t value) {
  if (size_ == static_cast<int>(values_.size())) return false;
  values_[static_cast<size_t>(size_++)] = value;
  return true;
}

Result<IntList> int_list(std::span<const int64_t> values) {
  IntList out;
  for (int64_t value : values) {
    if (!out.push_back(value)) {
      return error(ErrorCode::ATTRIBUTE_INVALID,
                   "an attribute lists %zu integers, at most %d allowed", values.size(),
                   2 * kMaxRank);
    }
  }
  return out;
}

Result<IntList> int_list(const TensorView& tensor) {
  SX_TRY(check_int_shape(tensor.dtype, true, tensor.shape));
  const int64_t count = tensor.elements();
  if (count > 2 * kMaxRank) {
    return error(ErrorCode::LIMIT_EXCEEDED, "a list of %lld integers, at most %d allowed",
                 static_cast<long long>(count), 2 * kMaxRank);
  }
  IntList out;
  for (int64_t i = 0; i < count; ++i) {
    out.push_back(tensor.dtype == DType::kInt64 ? tensor.as<const int64_t>()[i]
                                                : tensor.as<const int32_t>()[i]);
  }
  return out;
}

Status check_int_list(const ValueFacts& facts) {
  return check_int_shape(facts.dtype, facts.has_shape, facts.shape);
}

Result<std::optional<IntList>> known_ints(const InferContext& context, size_t input) {
  const ValueFacts& facts = context.inputs[input];
  SX_TRY(check_int_list(facts));
  if (!facts.value) return std::optional<IntList>();
  SX_ASSIGN(const IntList list, int_list(*facts.value));
  return std::optional<IntList>(list);
}

Result<int64_t> int_scalar(const TensorView& tensor) {
  if (tensor.elements() != 1) {
    return error(ErrorCode::SHAPE_MISMATCH, "one integer is wanted, not shape %s",
                 tensor.shape.to_string().c_str());
  }
  if (tensor.dtype == DType::kInt64) return *tensor.as<const int64_t>();
  if (tensor.dtype == DType::kInt32) return int64_t{*tensor.as<const int32_t>()};
  return unsupported_dtype(tensor.dtype);
}

Result<uint32_t> axis_mask(const IntList& axes, int rank, ErrorCode code) {
  uint32_t mask = 0;
  for (int64_t axis : axes) {
    const auto normal = normalize_axis(axis, rank);
    if (!normal) {
      return error(code, "axis %lld is out of range for rank %d", static_cast<long long>(axis),
                   rank);
    }
    if (mask >> *normal & 1) {
      return error(code, "axis %lld is named twice", static_cast<long long>(axis));
    }
    mask |= 1u << *normal;
  }
  return mask;
}

Status set_broadcast_output(InferContext& context, DType dtype, size_t first, size_t count) {
  Shape out;
  for (size_t i = first; i < first + count; ++i) {
    const ValueFacts& input = context.inputs[i];
    if (!input.has_shape) {
      context.set_output_unknown(0, dtype);
      return {};
    }
    const auto shape = broadcast(out, input.shape);
    if (!shape) {
      return error(ErrorCode::SHAPE_MISMATCH, "shapes %s and %s do not broadcast",
                   out.to_string().c_str(), input.shape.to_string().c_str());
    }
    out = *shape;
  }
  context.set_output(0, dtype, out);
  return {};
}

Status same_as_input(InferContext& context) {
  const ValueFacts& input = context.inputs[0];
  context.outputs[0] = {input.dtype, input.has_shape, input.shape, nullptr, input.kind};
  return {};
}

void copy_bytes(void* to, const void* from, size_t bytes) {
  if (bytes && to != from) std::memmove(to, from, bytes);
}

void copy_tensor(const TensorView& to, const TensorView& from) {
  copy_bytes(to.data, from.data, to.bytes());
}

}  // namespace sardonyx::ops
