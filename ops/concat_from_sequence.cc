// ConcatFromSequence: along an axis of the tensors, or along a new one.
#include "base/checked.h"
#include "ops/sequence_rule.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

Result<Shape> joined_shape(const Attributes& attributes, const Box& sequence) {
  const auto tensors = sequence.elements();
  if (tensors.empty()) {
    return error(ErrorCode::VALUE_RANGE, "an empty sequence can not be concatenated");
  }
  const bool stack = attributes.get_int("new_axis", 0) != 0;
  Shape shape = tensors[0]->shape;
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 0), shape.rank() + stack));
  int64_t total = 0;
  for (const ConstantPtr& tensor : tensors) {
    const bool same_rank = tensor->shape.rank() == shape.rank();
    if (same_rank && !stack) shape[axis] = tensor->shape[axis];
    const auto sum = checked_add(total, stack || !same_rank ? 1 : shape[axis]);
    if (!same_rank || !(tensor->shape == shape) || !sum) {
      return error(ErrorCode::SHAPE_MISMATCH, "tensors of shapes %s and %s do not fit",
                   tensors[0]->shape.to_string().c_str(), tensor->shape.to_string().c_str());
    }
    total = *sum;
  }
  if (!stack) {
    shape[axis] = total;
    return shape;
  }
  Shape out;
  for (int i = 0; i <= shape.rank(); ++i) {
    const int from = i < axis ? i : i - 1;
    if (!out.push_back(i == axis ? total : shape[from])) {
      return error(ErrorCode::LIMIT_EXCEEDED, "the output has more than %d dims", kMaxRank);
    }
  }
  return out;
}

Status run_concat_from_sequence(const Attributes& attributes, const RunContext& context) {
  const TensorView& y = context.outputs[0];
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 0), y.shape.rank()));
  SX_ASSIGN(const size_t width, element_bytes(y.dtype));
  const int64_t outer = y.shape.product(0, axis);
  const int64_t row = y.shape.product(axis, y.shape.rank());
  int64_t offset = 0;
  for (const ConstantPtr& tensor : box_of(context.inputs[0]).elements()) {
    const TensorView x = tensor->view();
    const int64_t length = outer ? x.elements() / outer : 0;
    StridedCopy copy;
    copy.add(outer, length, row);
    copy.add(length, 1, 1);
    if (outer && length) {
      SX_TRY(copy.run(width, x.data, y.as<uint8_t>() + static_cast<size_t>(offset) * width));
    }
    offset += length;
  }
  return {};
}

}  // namespace

Status infer_concat_from_sequence(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_kind(context, 0, ValueKind::kSequence));
  SX_TRY(context.attributes.require_int("axis").take_status());
  const ValueFacts& sequence = context.inputs[0];
  SX_TRY(check_movable(sequence.dtype));
  context.set_output_unknown(0, sequence.dtype);
  if (!sequence.value) return {};
  SX_ASSIGN(const Shape shape, joined_shape(context.attributes, box_of(*sequence.value)));
  context.set_output(0, sequence.dtype, shape);
  return {};
}

Result<KernelPtr> make_concat_from_sequence(const KernelInit& init) {
  return stateless(init, run_concat_from_sequence);
}

}  // namespace sardonyx::ops
