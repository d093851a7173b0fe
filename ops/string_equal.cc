#include "ops/string_equal.h"

#include "base/string_ref.h"
#include "ops/broadcast.h"

namespace sardonyx::ops {
namespace {

Status run_string_equal(const Attributes&, const RunContext& context) {
  const BroadcastPlan plan = plan_elementwise(context.inputs.first(2), context.outputs[0]);
  const auto* a = context.inputs[0].as<const StringRef>();
  const auto* b = context.inputs[1].as<const StringRef>();
  auto* out = context.outputs[0].as<uint8_t>();
  for (RowCursor row(plan, 0, plan.elements); row.next();) {
    for (int64_t i = 0; i < row.count; ++i) {
      out[row.out + i] =
          a[row.operand(0) + i * row.step(0)].view() == b[row.operand(1) + i * row.step(1)].view();
    }
  }
  return {};
}

}  // namespace

Result<KernelPtr> make_string_equal(const KernelInit& init) {
  return stateless(init, run_string_equal);
}

}  // namespace sardonyx::ops
