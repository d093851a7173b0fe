#include "ops/widened.h"

#include <array>

#include "ops/convert.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements per chunk

bool is_converted(DType dtype, DType first) {
  if (dtype == DType::kFloat32 || dtype == DType::kUndefined) return false;
  return dtype == first || dtype == DType::kFloat16 || dtype == DType::kBfloat16 ||
         dtype == DType::kFloat64;
}

Status convert_all(const TensorView& from, const TensorView& to) {
  const int64_t from_width = dtype_bits(from.dtype) / 8, to_width = dtype_bits(to.dtype) / 8;
  return simd::parallel_for(from.elements(), kGrain, [&](int64_t begin, int64_t end) {
    convert(to.dtype, to.as<uint8_t>() + begin * to_width, from.dtype,
            from.as<const uint8_t>() + begin * from_width, 1, end - begin);
  });
}

constexpr size_t kNotConverted = SIZE_MAX;
constexpr size_t kMostOperands = 16;

struct Plan final : StepPlan {
  std::unique_ptr<StepPlan> inner;
  size_t inner_scratch = 0;
  std::vector<size_t> inputs, outputs;  // offsets into scratch
};

// Operands as the inner kernel sees them.
struct FloatViews {
  std::array<TensorView, kMostOperands> views;
  size_t count;

  FloatViews(std::span<const TensorView> from, DType first) : count(from.size()) {
    for (size_t i = 0; i < count; ++i) {
      views[i] = from[i];
      if (is_converted(from[i].dtype, first)) views[i].dtype = DType::kFloat32;
    }
  }
  std::span<const TensorView> span() const { return {views.data(), count}; }
};

class WidenedKernel final : public Kernel {
 public:
  static Result<KernelPtr> make(const KernelInit& init, MakeKernel make);
  Status bind(BindContext& context) const override;
  Status run(const RunContext& context) const override;
  std::string_view name() const override { return inner_->name(); }

 private:
  Result<std::vector<size_t>> place(std::span<const TensorView> views,
                                    ScratchLayout& scratch) const;

  DType first_ = DType::kFloat32;
  KernelPtr inner_;
  std::vector<ConstantPtr> constants_;  // converted ones; an empty one where the kernel has its own
};

Result<KernelPtr> WidenedKernel::make(const KernelInit& init, MakeKernel make) {
  if (init.inputs.size() > kMostOperands || init.output_layouts.size() > kMostOperands) {
    return error(ErrorCode::INTERNAL, "more than %zu operands", kMostOperands);
  }
  auto kernel = std::make_unique<WidenedKernel>();
  kernel->first_ = init.inputs[0].dtype;
  std::vector<KernelInput> inputs(init.inputs.begin(), init.inputs.end());
  kernel->constants_.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!is_converted(inputs[i].dtype, kernel->first_)) continue;
    inputs[i].dtype = DType::kFloat32;
    if (!inputs[i].constant) continue;
    SX_ASSIGN(const std::shared_ptr<Constant> wide,
              make_constant(DType::kFloat32, inputs[i].constant->shape));
    SX_TRY(convert_all(inputs[i].constant->view(), wide->view()));
    kernel->constants_[i] = inputs[i].constant = wide;
    init.consumed(i);
  }
  KernelInit inner{
      init.attributes, init.opset, inputs, init.output_layouts, init.packs, [&](size_t i) {
        if (!kernel->constants_[i]) return init.consumed(i);
        auto stub = std::make_shared<Constant>();
        stub->dtype = DType::kFloat32;
        stub->shape = kernel->constants_[i]->shape;
        kernel->constants_[i] = stub;
      }};
  SX_ASSIGN(kernel->inner_, make(inner));
  return KernelPtr(std::move(kernel));
}

Result<std::vector<size_t>> WidenedKernel::place(std::span<const TensorView> views,
                                                 ScratchLayout& scratch) const {
  std::vector<size_t> offsets(views.size(), kNotConverted);
  for (size_t i = 0; i < views.size(); ++i) {
    if (!is_converted(views[i].dtype, first_)) continue;
    SX_ASSIGN(offsets[i], scratch.add_floats(views[i].elements()));
  }
  return offsets;
}

Status WidenedKernel::bind(BindContext& context) const {
  const FloatViews inputs(context.inputs, first_), outputs(context.outputs, first_);
  BindContext inner{inputs.span(), outputs.span(), 0, nullptr};
  SX_TRY(inner_->bind(inner));
  auto plan = std::make_unique<Plan>();
  ScratchLayout scratch;
  SX_ASSIGN(plan->inner_scratch, scratch.add(static_cast<int64_t>(inner.scratch_bytes), 1));
  SX_ASSIGN(plan->inputs, place(context.inputs, scratch));
  SX_ASSIGN(plan->outputs, place(context.outputs, scratch));
  plan->inner = std::move(inner.plan);
  context.scratch_bytes = scratch.bytes();
  context.plan = std::move(plan);
  return {};
}

Status WidenedKernel::run(const RunContext& context) const {
  const Plan& plan = *static_cast<const Plan*>(context.plan);
  FloatViews inputs(context.inputs, first_), outputs(context.outputs, first_);
  for (size_t i = 0; i < inputs.count; ++i) {
    if (constants_[i]) {
      inputs.views[i].data = constants_[i]->view().data;
    } else if (plan.inputs[i] != kNotConverted) {
      inputs.views[i].data = context.scratch + plan.inputs[i];
      SX_TRY(convert_all(context.inputs[i], inputs.views[i]));
    }
  }
  for (size_t i = 0; i < outputs.count; ++i) {
    if (plan.outputs[i] != kNotConverted) {
      outputs.views[i].data = context.scratch + plan.outputs[i];
    }
  }
  SX_TRY(inner_->run(
      {inputs.span(), outputs.span(), context.scratch + plan.inner_scratch, plan.inner.get()}));
  for (size_t i = 0; i < outputs.count; ++i) {
    if (plan.outputs[i] != kNotConverted) {
      SX_TRY(convert_all(outputs.views[i], context.outputs[i]));
    }
  }
  return {};
}

}  // namespace

Result<KernelPtr> widened(const KernelInit& init, MakeKernel make) {
  for (const KernelInput& input : init.inputs) {
    if (is_converted(input.dtype, init.inputs[0].dtype)) return WidenedKernel::make(init, make);
  }
  return make(init);
}

Status check_float(const InferContext& context, size_t input) {
  return check_dtype(context, input,
                     {DType::kFloat32, DType::kFloat16, DType::kBfloat16, DType::kFloat64});
}

Status check_numeric(const InferContext& context, size_t input) {
  if (!context.has_input(input)) return {};
  const DType dtype = context.inputs[input].dtype;
  return compute_dtype(dtype) == DType::kUndefined ? unsupported_dtype(dtype) : Status();
}

}  // namespace sardonyx::ops
