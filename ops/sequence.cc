// SequenceConstruct, SequenceEmpty, SequenceInsert, SequenceErase, SequenceAt and SequenceLength.
#include <utility>
#include <vector>

#include "ops/sequence_rule.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

// A position in [0, size) from one in [-size, size); size itself counts too when `end` is set.
Result<size_t> position_in(const Box& sequence, const TensorView& position, bool end) {
  SX_ASSIGN(const int64_t given, int_scalar(position));
  const auto size = static_cast<int64_t>(sequence.size());
  if (given < -size || given >= size + end) {
    return error(ErrorCode::INDEX_RANGE, "position %lld in a sequence of %lld tensors",
                 static_cast<long long>(given), static_cast<long long>(size));
  }
  return static_cast<size_t>(given < 0 ? given + size : given);
}

Status check_position(const InferContext& context, size_t input) {
  if (!context.has_input(input)) return {};
  return check_dtype(context, input, {DType::kInt64, DType::kInt32});
}

Status run_construct(const Attributes&, const RunContext& context) {
  std::vector<ConstantPtr> elements;
  for (const TensorView& tensor : context.inputs) {
    SX_ASSIGN(ConstantPtr element, copy_of(tensor));
    elements.push_back(std::move(element));
  }
  return put_box(context, Box(std::move(elements)));
}

Status run_empty(const Attributes&, const RunContext& context) {
  return put_box(context, Box());
}

Status run_insert(const Attributes&, const RunContext& context) {
  const Box& sequence = box_of(context.inputs[0]);
  size_t position = sequence.size();
  if (context.has_input(2)) {
    SX_ASSIGN(position, position_in(sequence, context.inputs[2], true));
  }
  SX_ASSIGN(ConstantPtr element, copy_of(context.inputs[1]));
  if (position == sequence.size()) {
    SX_ASSIGN(Box longer, sequence.with(std::move(element)));
    return put_box(context, std::move(longer));
  }
  if (sequence.size() >= kMaxSequenceLength) return sequence.with(nullptr).take_status();
  const auto old = sequence.elements();
  std::vector<ConstantPtr> elements(old.begin(), old.end());
  elements.insert(elements.begin() + static_cast<ptrdiff_t>(position), std::move(element));
  return put_box(context, Box(std::move(elements)));
}

Status run_erase(const Attributes&, const RunContext& context) {
  const Box& sequence = box_of(context.inputs[0]);
  if (sequence.size() == 0) {
    return error(ErrorCode::INDEX_RANGE, "there is nothing to erase in an empty sequence");
  }
  size_t position = sequence.size() - 1;
  if (context.has_input(1)) {
    SX_ASSIGN(position, position_in(sequence, context.inputs[1], false));
  }
  const auto old = sequence.elements();
  std::vector<ConstantPtr> elements(old.begin(), old.end());
  elements.erase(elements.begin() + static_cast<ptrdiff_t>(position));
  return put_box(context, Box(std::move(elements)));
}

Status run_at(const Attributes&, const RunContext& context) {
  const Box& sequence = box_of(context.inputs[0]);
  SX_ASSIGN(const size_t position, position_in(sequence, context.inputs[1], false));
  copy_tensor(context.outputs[0], sequence.elements()[position]->view());
  return {};
}

Status run_length(const Attributes&, const RunContext& context) {
  *context.outputs[0].as<int64_t>() = static_cast<int64_t>(box_of(context.inputs[0]).size());
  return {};
}

}  // namespace

Status infer_sequence_construct(InferContext& context) {
  SX_TRY(check_arity(context, 1, kMaxSequenceLength));
  const DType dtype = context.inputs[0].dtype;
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    if (!context.has_input(i))
      return error(ErrorCode::GRAPH_INPUT_MISSING, "input %zu is required", i);
    SX_TRY(check_same_dtype(context, 0, i));
  }
  context.set_output_kind(0, ValueKind::kSequence, dtype);
  return {};
}

Result<KernelPtr> make_sequence_construct(const KernelInit& init) {
  return stateless(init, run_construct);
}

Status infer_sequence_empty(InferContext& context) {
  SX_TRY(check_arity(context, 0, 0));
  const int64_t dtype = context.attributes.get_int("dtype", static_cast<int64_t>(DType::kFloat32));
  if (dtype < 0 || dtype > INT32_MAX || !is_known_dtype(static_cast<int32_t>(dtype))) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'dtype' is %lld: not a dtype",
                 static_cast<long long>(dtype));
  }
  context.set_output_kind(0, ValueKind::kSequence, static_cast<DType>(dtype));
  return {};
}

Result<KernelPtr> make_sequence_empty(const KernelInit& init) {
  return stateless(init, run_empty);
}

Status infer_sequence_insert(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  SX_TRY(check_kind(context, 0, ValueKind::kSequence));
  SX_TRY(check_kind(context, 1, ValueKind::kTensor));
  SX_TRY(check_same_dtype(context, 0, 1));
  SX_TRY(check_position(context, 2));
  return same_as_input(context);
}

Result<KernelPtr> make_sequence_insert(const KernelInit& init) {
  return stateless(init, run_insert);
}

Status infer_sequence_erase(InferContext& context) {
  SX_TRY(check_arity(context, 1, 2));
  SX_TRY(check_kind(context, 0, ValueKind::kSequence));
  SX_TRY(check_position(context, 1));
  return same_as_input(context);
}

Result<KernelPtr> make_sequence_erase(const KernelInit& init) {
  return stateless(init, run_erase);
}

Status infer_sequence_at(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  SX_TRY(check_kind(context, 0, ValueKind::kSequence));
  SX_TRY(check_position(context, 1));
  const ValueFacts& sequence = context.inputs[0];
  context.set_output_unknown(0, sequence.dtype);
  if (!sequence.value || !context.inputs[1].value) return {};
  const Box& box = box_of(*sequence.value);
  SX_ASSIGN(const size_t position, position_in(box, *context.inputs[1].value, false));
  context.set_output(0, sequence.dtype, box.elements()[position]->shape);
  return {};
}

Result<KernelPtr> make_sequence_at(const KernelInit& init) {
  return stateless(init, run_at);
}

Status infer_sequence_length(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_kind(context, 0, ValueKind::kSequence));
  context.set_output(0, DType::kInt64, {});
  return {};
}

Result<KernelPtr> make_sequence_length(const KernelInit& init) {
  return stateless(init, run_length);
}

}  // namespace sardonyx::ops
