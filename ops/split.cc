// Split.
#include <algorithm>

#include "base/checked.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

constexpr int kSizesAreInput = 13;

// Size of part `i` of `parts` equal ones of a dim; the last may be smaller since opset 18.
int64_t equal_part(int64_t dim, size_t parts, size_t i) {
  const int64_t size = ceil_div(dim, static_cast<int64_t>(parts));
  return std::clamp<int64_t>(dim - static_cast<int64_t>(i) * size, 0, size);
}

Status check_sizes(std::span<const int64_t> sizes, size_t parts, int64_t dim) {
  if (sizes.size() != parts) {
    return error(ErrorCode::SHAPE_MISMATCH, "%zu sizes for %zu outputs", sizes.size(), parts);
  }
  int64_t total = 0;
  for (int64_t size : sizes) {
    const auto sum = checked_add(total, size);
    if (size < 0 || !sum) {
      return error(ErrorCode::VALUE_RANGE, "a part has size %lld", static_cast<long long>(size));
    }
    total = *sum;
  }
  if (dim >= 0 && total != dim) {
    return error(ErrorCode::SHAPE_MISMATCH, "parts of %lld in total from a dim of %lld",
                 static_cast<long long>(total), static_cast<long long>(dim));
  }
  return {};
}

int64_t size_at(const TensorView& sizes, size_t i) {
  return sizes.dtype == DType::kInt64 ? sizes.as<const int64_t>()[i] : sizes.as<const int32_t>()[i];
}

// Size of part i as the kernel sees it; outputs that nobody reads have no shape to tell.
int64_t part_size(const Attributes& attributes, const RunContext& context, int64_t dim, size_t i) {
  if (context.has_input(1)) return size_at(context.inputs[1], i);
  const auto sizes = attributes.get_ints("split");
  return sizes.empty() ? equal_part(dim, context.outputs.size(), i) : sizes[i];
}

Status run_split(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 0), x.shape.rank()));
  SX_ASSIGN(const size_t width, element_bytes(x.dtype));
  const int64_t outer = x.shape.product(0, axis);
  const int64_t inner = x.shape.product(axis + 1, x.shape.rank());
  const int64_t row = x.shape[axis] * inner;
  int64_t offset = 0;
  for (size_t i = 0; i < context.outputs.size(); ++i) {
    const TensorView& y = context.outputs[i];
    const int64_t size =
        y.present() ? y.shape[axis] : part_size(attributes, context, x.shape[axis], i);
    const int64_t length = size * inner;
    // Outputs bound for other contents of the inputs must not be overrun.
    if (size < 0 || size > x.shape[axis] || offset + length > row) {
      return error(ErrorCode::INTERNAL, "the parts have changed since their shapes were computed");
    }
    if (!y.present()) {
      offset += length;
      continue;
    }
    StridedCopy copy;
    copy.add(outer, row, length);
    copy.add(length, 1, 1);
    if (outer && length) {
      SX_TRY(copy.run(width, x.as<const uint8_t>() + static_cast<size_t>(offset) * width, y.data));
    }
    offset += length;
  }
  return {};
}

}  // namespace

Status infer_split(InferContext& context) {
  const bool is_input = context.opset >= kSizesAreInput;
  SX_TRY(check_arity(context, 1, is_input ? 2 : 1, SIZE_MAX));
  const ValueFacts& x = context.inputs[0];
  const size_t parts = context.outputs.size();
  SX_TRY(check_movable(x.dtype));
  std::span<const int64_t> sizes;
  std::vector<int64_t> from_input;
  bool unknown_sizes = false;
  if (is_input && context.has_input(1)) {
    SX_TRY(check_int_list(context.inputs[1]));
    const TensorView* value = context.inputs[1].value;
    unknown_sizes = !value;
    for (int64_t i = 0; value && i < value->elements(); ++i) {
      from_input.push_back(size_at(*value, static_cast<size_t>(i)));
    }
    sizes = from_input;
  } else if (!is_input) {
    sizes = context.attributes.get_ints("split");
  }
  const bool equal =
      sizes.empty() && !unknown_sizes && from_input.empty() && !(is_input && context.has_input(1));
  if (equal && is_input && context.attributes.has("num_outputs") &&
      context.attributes.get_int("num_outputs", 0) != static_cast<int64_t>(parts)) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'num_outputs' does not fit %zu outputs",
                 parts);
  }
  for (size_t i = 0; i < parts; ++i) context.set_output_unknown(i, x.dtype);
  if (!x.has_shape) return {};
  SX_ASSIGN(const int axis, check_axis(context.attributes.get_int("axis", 0), x.shape.rank()));
  const int64_t dim = x.shape[axis];
  if (!equal && !unknown_sizes) SX_TRY(check_sizes(sizes, parts, dim));
  if (equal && context.opset < 18 && dim >= 0 && dim % static_cast<int64_t>(parts) != 0) {
    return error(ErrorCode::SHAPE_MISMATCH, "a dim of %lld in %zu equal parts",
                 static_cast<long long>(dim), parts);
  }
  for (size_t i = 0; i < parts; ++i) {
    Shape out = x.shape;
    if (unknown_sizes || (equal && dim < 0)) {
      out[axis] = kUnknownDim;
    } else {
      out[axis] = equal ? equal_part(dim, parts, i) : sizes[i];
    }
    context.set_output(i, x.dtype, out);
  }
  return {};
}

Result<KernelPtr> make_split(const KernelInit& init) {
  return stateless(init, run_split);
}

}  // namespace sardonyx::ops
