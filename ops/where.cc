// Where.
#include "ops/broadcast.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements per chunk

template <size_t kBytes>
void select_row(const RowCursor& row, const uint8_t* condition, const uint8_t* x, const uint8_t* y,
                uint8_t* out) {
  condition += row.operand(0);
  x += row.operand(1) * static_cast<int64_t>(kBytes);
  y += row.operand(2) * static_cast<int64_t>(kBytes);
  out += row.out * static_cast<int64_t>(kBytes);
  const int64_t x_step = row.step(1) * static_cast<int64_t>(kBytes);
  const int64_t y_step = row.step(2) * static_cast<int64_t>(kBytes);
  for (int64_t i = 0; i < row.count; ++i) {
    __builtin_memcpy(out + i * static_cast<int64_t>(kBytes),
                     condition[i * row.step(0)] ? x + i * x_step : y + i * y_step, kBytes);
  }
}

using SelectRow = void (*)(const RowCursor&, const uint8_t*, const uint8_t*, const uint8_t*,
                           uint8_t*);
SelectRow select_row_for(size_t width) {
  switch (width) {
    case 1:
      return select_row<1>;
    case 2:
      return select_row<2>;
    case 4:
      return select_row<4>;
    case 8:
      return select_row<8>;
    default:
      return select_row<16>;
  }
}

struct WherePlan final : StepPlan {
  BroadcastPlan rows;
};

class WhereKernel final : public Kernel {
 public:
  Status bind(BindContext& context) const override {
    auto plan = std::make_unique<WherePlan>();
    plan->rows = plan_elementwise(context.inputs.first(3), context.outputs[0]);
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const BroadcastPlan& plan = static_cast<const WherePlan*>(context.plan)->rows;
    const TensorView& y = context.outputs[0];
    const SelectRow select = select_row_for(static_cast<size_t>(dtype_bits(y.dtype)) / 8);
    return simd::parallel_for(plan.elements, kGrain, [&](int64_t begin, int64_t end) {
      for (RowCursor row(plan, begin, end); row.next();) {
        select(row, context.inputs[0].as<const uint8_t>(), context.inputs[1].as<const uint8_t>(),
               context.inputs[2].as<const uint8_t>(), y.as<uint8_t>());
      }
    });
  }
  std::string_view name() const override { return "where"; }
};

}  // namespace

Status infer_where(InferContext& context) {
  SX_TRY(check_arity(context, 3, 3));
  SX_TRY(check_dtype(context, 0, {DType::kBool}));
  SX_TRY(check_same_dtype(context, 1, 2));
  SX_TRY(check_movable(context.inputs[1].dtype));
  return set_broadcast_output(context, context.inputs[1].dtype, 0, 3);
}

Result<KernelPtr> make_where(const KernelInit&) {
  return KernelPtr(std::make_unique<WhereKernel>());
}

}  // namespace sardonyx::ops
