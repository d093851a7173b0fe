#include "ops/widened.h"

#include <algorithm>
#include <array>

#include "ops/convert.h"
#include "ops/scratch.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kMaxTensors = 16;
constexpr size_t kAsIs = SIZE_MAX;
constexpr int64_t kGrain = 1 << 14;

bool is_narrow(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBfloat16;
}

Status convert_all(const TensorView& from, const TensorView& to) {
  const auto width = [](const TensorView& t) {
    return static_cast<size_t>(dtype_bits(t.dtype)) / 8;
  };
  return simd::parallel_for(from.elements(), kGrain, [&](int64_t begin, int64_t end) {
    convert(to.dtype, to.as<uint8_t>() + static_cast<size_t>(begin) * width(to), from.dtype,
            from.as<const uint8_t>() + static_cast<size_t>(begin) * width(from), 1, end - begin);
  });
}

// Tensors as the inner kernel sees them.
struct WideViews {
  std::array<TensorView, kMaxTensors> views;
  std::array<size_t, kMaxTensors> offsets;  // in scratch memory, or kAsIs
  size_t count = 0;

  static Result<WideViews> make(std::span<const TensorView> tensors, ScratchLayout& scratch) {
    WideViews out;
    out.count = tensors.size();
    for (size_t i = 0; i < out.count; ++i) {
      out.views[i] = tensors[i];
      out.offsets[i] = kAsIs;
      if (!is_narrow(tensors[i].dtype)) continue;
      out.views[i].dtype = DType::kFloat32;
      SX_ASSIGN(out.offsets[i], scratch.add_floats(tensors[i].elements()));
    }
    return out;
  }
  void place(std::span<const TensorView> tensors, uint8_t* scratch) {
    for (size_t i = 0; i < count; ++i) {
      views[i].data = offsets[i] == kAsIs ? tensors[i].data : scratch + offsets[i];
    }
  }
  std::span<const TensorView> span() const { return std::span(views).first(count); }
};

struct WidePlan final : StepPlan {
  WideViews inputs, outputs;
  std::unique_ptr<StepPlan> inner;
  size_t inner_scratch = 0;
};

class WidenedKernel final : public Kernel {
 public:
  explicit WidenedKernel(KernelPtr inner) : inner_(std::move(inner)) {}

  Status bind(BindContext& context) const override {
    if (context.inputs.size() > kMaxTensors || context.outputs.size() > kMaxTensors) {
      return error(ErrorCode::MODEL_MALFORMED, "a node with more than %zu tensors", kMaxTensors);
    }
    auto plan = std::make_unique<WidePlan>();
    ScratchLayout scratch;
    SX_ASSIGN(plan->inputs, WideViews::make(context.inputs, scratch));
    SX_ASSIGN(plan->outputs, WideViews::make(context.outputs, scratch));
    BindContext inner{plan->inputs.span(), plan->outputs.span(), 0, nullptr};
    SX_TRY(inner_->bind(inner));
    plan->inner = std::move(inner.plan);
    SX_ASSIGN(plan->inner_scratch, scratch.add(static_cast<int64_t>(inner.scratch_bytes), 1));
    context.scratch_bytes = scratch.bytes();
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const auto& plan = *static_cast<const WidePlan*>(context.plan);
    WideViews inputs = plan.inputs, outputs = plan.outputs;
    inputs.place(context.inputs, context.scratch);
    outputs.place(context.outputs, context.scratch);
    for (size_t i = 0; i < inputs.count; ++i) {
      if (inputs.offsets[i] == kAsIs) continue;
      SX_TRY(convert_all(context.inputs[i], inputs.views[i]));
    }
    SX_TRY(inner_->run(
        {inputs.span(), outputs.span(), context.scratch + plan.inner_scratch, plan.inner.get()}));
    for (size_t i = 0; i < outputs.count; ++i) {
      if (outputs.offsets[i] == kAsIs) continue;
      SX_TRY(convert_all(outputs.views[i], context.outputs[i]));
    }
    return {};
  }
  std::string_view name() const override { return inner_->name(); }

 private:
  KernelPtr inner_;
};

}  // namespace

Result<KernelPtr> widened(const KernelInit& init, KernelPtr kernel) {
  const bool narrow = std::any_of(init.inputs.begin(), init.inputs.end(),
                                  [](const KernelInput& input) { return is_narrow(input.dtype); });
  if (!narrow) return kernel;
  return KernelPtr(std::make_unique<WidenedKernel>(std::move(kernel)));
}

}  // namespace sardonyx::ops
