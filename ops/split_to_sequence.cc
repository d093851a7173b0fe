// SplitToSequence.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "ops/sequence_rule.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

// Sizes of the parts along the axis. A scalar `split` is the size of all but the last.
Result<std::vector<int64_t>> part_sizes(const TensorView* split, int64_t dim) {
  std::vector<int64_t> sizes;
  if (split && split->shape.rank() == 1) {
    int64_t total = 0;
    for (int64_t i = 0; i < split->elements(); ++i) {
      sizes.push_back(int_at(*split, i));
      const auto sum = checked_add(total, sizes.back());
      if (sizes.back() < 0 || !sum) {
        return error(ErrorCode::VALUE_RANGE, "a part has size %lld",
                     static_cast<long long>(sizes.back()));
      }
      total = *sum;
    }
    if (total != dim) {
      return error(ErrorCode::SHAPE_MISMATCH, "parts of %lld in total from a dim of %lld",
                   static_cast<long long>(total), static_cast<long long>(dim));
    }
    return sizes;
  }
  const int64_t size = split ? int_at(*split, 0) : 1;
  if (size <= 0) {
    return error(ErrorCode::VALUE_RANGE, "parts of size %lld", static_cast<long long>(size));
  }
  if (ceil_div(dim, size) > static_cast<int64_t>(kMaxSequenceLength)) {
    return error(ErrorCode::LIMIT_EXCEEDED, "a sequence of more than %zu tensors",
                 kMaxSequenceLength);
  }
  for (int64_t done = 0; done < dim; done += size) sizes.push_back(std::min(size, dim - done));
  return sizes;
}

Shape without(const Shape& shape, int axis) {
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i != axis) out.push_back(shape[i]);
  }
  return out;
}

Status run_split_to_sequence(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView* split = context.has_input(1) ? &context.inputs[1] : nullptr;
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 0), x.shape.rank()));
  SX_ASSIGN(const size_t width, element_bytes(x.dtype));
  SX_ASSIGN(const std::vector<int64_t> sizes, part_sizes(split, x.shape[axis]));
  const bool keep = split || attributes.get_int("keepdims", 1) != 0;
  const int64_t outer = x.shape.product(0, axis);
  const int64_t inner = x.shape.product(axis + 1, x.shape.rank());
  std::vector<ConstantPtr> parts;
  int64_t offset = 0;
  for (const int64_t size : sizes) {
    Shape shape = x.shape;
    shape[axis] = size;
    if (!keep) shape = without(shape, axis);
    SX_ASSIGN(const std::shared_ptr<Constant> part, make_constant(x.dtype, shape));
    const int64_t length = size * inner;
    StridedCopy copy;
    copy.add(outer, x.shape[axis] * inner, length);
    copy.add(length, 1, 1);
    if (outer && length) {
      SX_TRY(copy.run(width, x.as<const uint8_t>() + static_cast<size_t>(offset) * width,
                      part->view().data));
    }
    offset += length;
    parts.push_back(part);
  }
  return put_box(context, Box(std::move(parts)));
}

}  // namespace

Status infer_split_to_sequence(InferContext& context) {
  SX_TRY(check_arity(context, 1, 2));
  const ValueFacts& x = context.inputs[0];
  SX_TRY(check_movable(x.dtype));
  if (x.has_shape) {
    SX_TRY(check_axis(context.attributes.get_int("axis", 0), x.shape.rank()).take_status());
  }
  if (context.has_input(1)) SX_TRY(check_int_list(context.inputs[1]));
  context.set_output_kind(0, ValueKind::kSequence, x.dtype);
  return {};
}

Result<KernelPtr> make_split_to_sequence(const KernelInit& init) {
  return stateless(init, run_split_to_sequence);
}

}  // namespace sardonyx::ops
