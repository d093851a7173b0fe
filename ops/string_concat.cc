// StringConcat: elementwise, with broadcasting.
#include <cstring>

#include "base/checked.h"
#include "ops/broadcast.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

Result<StringRef> joined(ValueHeap& heap, const StringRef& a, const StringRef& b) {
  const uint64_t bytes = uint64_t{a.size} + b.size;
  if (bytes > kMaxTensorBytes) {
    return error(ErrorCode::LIMIT_EXCEEDED, "a string of more than 2 GiB");
  }
  SX_ASSIGN(char* const text, heap.characters(static_cast<size_t>(bytes)));
  if (a.size) std::memcpy(text, a.data, a.size);
  if (b.size) std::memcpy(text + a.size, b.data, b.size);
  return StringRef{text, static_cast<uint32_t>(bytes)};
}

Status run_string_concat(const Attributes&, const RunContext& context) {
  const BroadcastPlan plan = plan_elementwise(context.inputs.first(2), context.outputs[0]);
  const auto* a = context.inputs[0].as<const StringRef>();
  const auto* b = context.inputs[1].as<const StringRef>();
  auto* out = context.outputs[0].as<StringRef>();
  for (RowCursor row(plan, 0, plan.elements); row.next();) {
    for (int64_t i = 0; i < row.count; ++i) {
      SX_ASSIGN(out[row.out + i], joined(*context.heap, a[row.operand(0) + i * row.step(0)],
                                         b[row.operand(1) + i * row.step(1)]));
    }
  }
  return {};
}

}  // namespace

Status infer_string_concat(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  SX_TRY(check_dtype(context, 0, {DType::kString}));
  SX_TRY(check_dtype(context, 1, {DType::kString}));
  return set_broadcast_output(context, DType::kString, 0, 2);
}

Result<KernelPtr> make_string_concat(const KernelInit& init) {
  return stateless(init, run_string_concat);
}

}  // namespace sardonyx::ops
