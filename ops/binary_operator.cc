#include "ops/binary_operator.h"

#include <memory>
#include <vector>

#include "ops/shape_rule.h"
#include "ops/unary_map.h"

namespace sardonyx::ops {
namespace {

struct BinaryPlan final : StepPlan {
  std::vector<BroadcastPlan> folds;  // one per operand after the first
};

constexpr UnarySpec kScale = {.name = "scale",
                              .f64 = [](double x, const UnaryParams& p) { return x * p.a; }};

class BinaryKernel final : public Kernel {
 public:
  BinaryKernel(const BinarySpec& spec, double scale) : spec_(spec), scale_(scale) {}

  Status bind(BindContext& context) const override {
    auto plan = std::make_unique<BinaryPlan>();
    const TensorView& y = context.outputs[0];
    for (size_t i = 1; i < context.inputs.size(); ++i) {
      const TensorView operands[] = {i == 1 ? context.inputs[0] : y, context.inputs[i]};
      plan->folds.push_back(plan_elementwise(operands, y));
    }
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const auto& folds = static_cast<const BinaryPlan*>(context.plan)->folds;
    const TensorView& y = context.outputs[0];
    if (folds.empty()) copy_tensor(y, context.inputs[0]);
    for (size_t i = 0; i < folds.size(); ++i) {
      const TensorView& a = i == 0 ? context.inputs[0] : y;
      SX_TRY(apply_binary(spec_, folds[i], a, context.inputs[i + 1], y));
    }
    return scale_ == 1 ? Status() : apply_unary(kScale, {.a = scale_}, y, y);
  }

  std::string_view name() const override { return spec_.name; }

 private:
  const BinarySpec& spec_;
  double scale_;
};

}  // namespace

Status infer_operands(InferContext& context, const BinarySpec& spec, size_t required,
                      size_t maximum) {
  SX_TRY(check_arity(context, required, maximum));
  const DType dtype = context.inputs[0].dtype;
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    if (!context.has_input(i)) {
      return error(ErrorCode::GRAPH_INPUT_MISSING, "input %zu is required", i);
    }
    SX_TRY(check_binary_dtypes(spec, dtype, context.inputs[i].dtype));
  }
  return set_broadcast_output(context, spec.flags & kToBool ? DType::kBool : dtype, 0,
                              context.inputs.size());
}

Result<KernelPtr> make_binary(const BinarySpec& spec) {
  return make_scaled_binary(spec, 1);
}

Result<KernelPtr> make_scaled_binary(const BinarySpec& spec, double scale) {
  return KernelPtr(std::make_unique<BinaryKernel>(spec, scale));
}

}  // namespace sardonyx::ops
