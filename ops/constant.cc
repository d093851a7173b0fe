// Constant, ConstantOfShape and Range: tensors out of attributes and scalars.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/checked.h"
#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

// The one value attribute of a Constant node, as a view on the attribute. ATTRIBUTE_INVALID.
Result<TensorView> constant_view(const Attributes& attributes) {
  for (const Attribute& attribute : attributes.all()) {
    const auto& value = attribute.value;
    const auto data = [](const auto& numbers) {
      return const_cast<void*>(static_cast<const void*>(numbers));
    };
    const auto length = [](const auto& list) { return Shape{static_cast<int64_t>(list.size())}; };
    if (attribute.name == "value") {
      if (const auto* tensor = std::get_if<ConstantPtr>(&value); tensor && *tensor) {
        return (*tensor)->view();
      }
    } else if (attribute.name == "value_float") {
      if (const auto* number = std::get_if<float>(&value)) {
        return TensorView{DType::kFloat32, Layout::kRowMajor, {}, data(number)};
      }
    } else if (attribute.name == "value_int") {
      if (const auto* number = std::get_if<int64_t>(&value)) {
        return TensorView{DType::kInt64, Layout::kRowMajor, {}, data(number)};
      }
    } else if (attribute.name == "value_floats") {
      if (const auto* list = std::get_if<std::vector<float>>(&value)) {
        return TensorView{DType::kFloat32, Layout::kRowMajor, length(*list), data(list->data())};
      }
    } else if (attribute.name == "value_ints") {
      if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
        return TensorView{DType::kInt64, Layout::kRowMajor, length(*list), data(list->data())};
      }
    }
  }
  return error(ErrorCode::ATTRIBUTE_INVALID, "a Constant without a numeric value attribute");
}

Status run_constant(const Attributes& attributes, const RunContext& context) {
  SX_ASSIGN(const TensorView value, constant_view(attributes));
  copy_tensor(context.outputs[0], value);
  return {};
}

Status run_constant_of_shape(const Attributes& attributes, const RunContext& context) {
  const TensorView& y = context.outputs[0];
  const size_t bytes = y.bytes();
  const ConstantPtr value = attributes.get_tensor("value");
  if (bytes == 0) return {};
  if (!value) {
    std::memset(y.data, 0, bytes);
    return {};
  }
  StridedCopy copy;
  copy.add(y.elements(), 0, 1);
  SX_ASSIGN(const size_t width, element_bytes(y.dtype));
  return copy.run(width, value->payload.data(), y.data);
}

constexpr std::initializer_list<DType> kRangeDTypes = {
    DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16,
    DType::kInt16,   DType::kInt32,   DType::kInt64};

template <typename T>
T read_as(DType to, const TensorView& scalar) {
  T out{};
  convert(to, &out, scalar.dtype, scalar.data, 1, 1);
  return out;
}

// Number of elements of [start, limit) in steps of delta; nullopt when there is no finite answer.
std::optional<int64_t> count_steps(double start, double limit, double delta) {
  const double count = std::ceil((limit - start) / delta);
  if (delta == 0 || !std::isfinite(delta) || !(count < double{kMaxTensorBytes}))
    return std::nullopt;
  return count < 0 ? 0 : static_cast<int64_t>(count);
}

std::optional<int64_t> count_steps(int64_t start, int64_t limit, int64_t delta) {
  const auto span = checked_sub(limit, start);
  if (!span || delta == 0) return std::nullopt;
  if (*span == 0 || (*span > 0) != (delta > 0)) return 0;
  // Both have one sign now: no overflow but for INT64_MIN / -1, which is above any limit anyway.
  if (*span == INT64_MIN) return std::nullopt;
  return *span / delta + (*span % delta != 0);
}

Result<int64_t> range_elements(const TensorView& start, const TensorView& limit,
                               const TensorView& delta) {
  const bool floats = compute_dtype(start.dtype) != DType::kInt64;
  const DType type = floats ? DType::kFloat64 : DType::kInt64;
  const auto count = floats
                         ? count_steps(read_as<double>(type, start), read_as<double>(type, limit),
                                       read_as<double>(type, delta))
                         : count_steps(read_as<int64_t>(type, start), read_as<int64_t>(type, limit),
                                       read_as<int64_t>(type, delta));
  if (!count || static_cast<uint64_t>(*count) > kMaxTensorBytes) {
    return error(ErrorCode::VALUE_RANGE, "a range without end, or above 2^31 elements");
  }
  return *count;
}

// first + i * step; `type` is that of T.
template <typename T>
void fill_range(const TensorView& y, DType type, T first, T step) {
  constexpr int64_t kBlock = 256;
  T block[kBlock];
  const auto width = static_cast<size_t>(dtype_bits(y.dtype)) / 8;
  const int64_t count = y.elements();
  auto* out = y.as<uint8_t>();
  for (int64_t i = 0; i < count; i += kBlock, out += kBlock * width) {
    const int64_t length = std::min(kBlock, count - i);
    for (int64_t k = 0; k < length; ++k) block[k] = first + static_cast<T>(i + k) * step;
    convert(y.dtype, out, type, block, 1, length);
  }
}

Status run_range(const Attributes&, const RunContext& context) {
  const TensorView& y = context.outputs[0];
  const TensorView& start = context.inputs[0];
  const TensorView& delta = context.inputs[2];
  if (compute_dtype(y.dtype) == DType::kInt64) {
    fill_range(y, DType::kUint64, static_cast<uint64_t>(read_as<int64_t>(DType::kInt64, start)),
               static_cast<uint64_t>(read_as<int64_t>(DType::kInt64, delta)));
  } else {
    fill_range(y, DType::kFloat64, read_as<double>(DType::kFloat64, start),
               read_as<double>(DType::kFloat64, delta));
  }
  return {};
}

}  // namespace

Status infer_constant(InferContext& context) {
  SX_TRY(check_arity(context, 0, 0));
  SX_ASSIGN(const TensorView value, constant_view(context.attributes));
  context.set_output(0, value.dtype, value.shape);
  return {};
}

Status infer_constant_of_shape(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  DType dtype = DType::kFloat32;
  if (context.attributes.has("value")) {
    const ConstantPtr value = context.attributes.get_tensor("value");
    if (!value || value->shape.elements() != 1) {
      return error(ErrorCode::ATTRIBUTE_INVALID,
                   "attribute 'value' is not a tensor of one element");
    }
    dtype = value->dtype;
    SX_TRY(check_movable(dtype));
  }
  SX_ASSIGN(const std::optional<IntList> dims, known_ints(context, 0));
  context.set_output_unknown(0, dtype);
  const ValueFacts& list = context.inputs[0];
  Shape out;
  if (!dims) {
    if (!list.is_static() || list.shape.rank() != 1 || list.shape[0] > kMaxRank) return {};
    out.resize(static_cast<int>(list.shape[0]), kUnknownDim);
  } else {
    for (int64_t dim : *dims) {
      if (dim < 0 || !out.push_back(dim)) {
        return error(ErrorCode::VALUE_RANGE, "a shape of %d dims, one of them %lld", dims->size(),
                     static_cast<long long>(dim));
      }
    }
  }
  context.set_output(0, dtype, out);
  return {};
}

Status infer_range(InferContext& context) {
  SX_TRY(check_arity(context, 3, 3));
  bool known = true;
  for (size_t i = 0; i < 3; ++i) {
    SX_TRY(check_dtype(context, i, kRangeDTypes));
    SX_TRY(check_same_dtype(context, 0, i));
    const ValueFacts& input = context.inputs[i];
    if (input.is_static() && input.shape.elements() != 1) {
      return error(ErrorCode::SHAPE_MISMATCH, "input %zu has shape %s: a scalar is wanted", i,
                   input.shape.to_string().c_str());
    }
    known = known && input.value;
  }
  const DType dtype = context.inputs[0].dtype;
  if (!known) {
    context.set_output(0, dtype, {kUnknownDim});
    return {};
  }
  SX_ASSIGN(const int64_t count, range_elements(*context.inputs[0].value, *context.inputs[1].value,
                                                *context.inputs[2].value));
  context.set_output(0, dtype, {count});
  return {};
}

Result<KernelPtr> make_constant(const KernelInit& init) {
  return stateless(init, run_constant);
}
Result<KernelPtr> make_constant_of_shape(const KernelInit& init) {
  return stateless(init, run_constant_of_shape);
}
Result<KernelPtr> make_range(const KernelInit& init) {
  return stateless(init, run_range);
}

}  // namespace sardonyx::ops
