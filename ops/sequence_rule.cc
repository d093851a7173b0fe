#include "ops/sequence_rule.h"

#include <utility>

namespace sardonyx::ops {

Status check_kind(const InferContext& context, size_t input, ValueKind kind) {
  const ValueKind given = context.inputs[input].kind;
  if (given == kind) return {};
  return error(ErrorCode::DTYPE_UNSUPPORTED, "input %zu is of kind %s: must be %s", input,
               kind_name(given).data(), kind_name(kind).data());
}

Status put_box(const RunContext& context, Box box) {
  SX_ASSIGN(*context.outputs[0].as<const Box*>(), context.heap->add(std::move(box)));
  return {};
}

void share_box(const RunContext& context) {
  *context.outputs[0].as<const Box*>() = &box_of(context.inputs[0]);
}

int64_t int_at(const TensorView& tensor, int64_t i) {
  return tensor.dtype == DType::kInt64 ? tensor.as<const int64_t>()[i]
                                       : tensor.as<const int32_t>()[i];
}

}  // namespace sardonyx::ops
