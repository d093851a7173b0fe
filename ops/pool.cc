// MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool.
#include <algorithm>

#include "ops/one_layout.h"
#include "ops/operator.h"
#include "ops/pool_shape.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "ops/window.h"
#include "simd/pool.h"

namespace sardonyx::ops {
namespace {

enum class Kind : uint8_t { kMax, kAverage };

bool takes_blocks(const KernelInit& init) {
  return follows_channel_blocks(init) && init.output_layouts.size() == 1;
}

// --- windows -------------------------------------------------------------------------------------

Status check_pool_dtype(const InferContext& context, Kind kind) {
  const DType x = context.inputs[0].dtype;
  if (kind == Kind::kMax && (x == DType::kUint8 || x == DType::kInt8)) return {};
  return check_float(context, 0);
}

Status infer_pool(InferContext& context, Kind kind) {
  SX_TRY(check_arity(context, 1, 1, kind == Kind::kMax ? 2 : 1));
  SX_TRY(check_pool_dtype(context, kind));
  SX_ASSIGN(const Window window,
            parse_window(context.attributes, context.attributes.get_ints("kernel_shape")));
  return set_pooled_output(context, window);
}

struct PoolPlan final : StepPlan {
  simd::PoolShape shape;
  OneLayout sides;
};

class PoolKernel final : public Kernel {
 public:
  PoolKernel(Kind kind, const Attributes& attributes, const Window& window)
      : kind_(kind), attributes_(attributes), window_(window) {}
  Status bind(BindContext& context) const override;
  Status run(const RunContext& context) const override;
  std::string_view name() const override {
    return kind_ == Kind::kMax ? "max_pool" : "average_pool";
  }

 private:
  Kind kind_;
  const Attributes& attributes_;
  Window window_;
};

Status PoolKernel::bind(BindContext& context) const {
  auto plan = std::make_unique<PoolPlan>();
  ScratchLayout scratch;
  SX_ASSIGN(plan->sides, OneLayout::place(context, scratch));
  context.scratch_bytes = scratch.bytes();
  const Shape& x = context.inputs[0].shape;
  const Shape& y = context.outputs[0].shape;
  simd::PoolShape& shape = plan->shape;
  shape.layout = plan->sides.layout();
  shape.planes = plane_count(x, shape.layout);
  shape.count_include_pad = attributes_.get_int("count_include_pad", 0) != 0;
  for (int axis = 0; axis < window_.axes; ++axis) {
    SX_ASSIGN(const WindowAxis placed, place_window(window_, axis, x[axis + 2]));
    const auto from = static_cast<size_t>(axis);
    const int to = 3 - window_.axes + axis;
    shape.in[to] = x[axis + 2];
    shape.out[to] = y[axis + 2];
    shape.kernel[to] = window_.kernel[from];
    shape.stride[to] = window_.stride[from];
    shape.dilation[to] = window_.dilation[from];
    shape.pad_begin[to] = placed.pad_begin;
    shape.pad_end[to] = placed.pad_end;
  }
  context.plan = std::move(plan);
  return {};
}

Status PoolKernel::run(const RunContext& context) const {
  const PoolPlan& plan = *static_cast<const PoolPlan*>(context.plan);
  const TensorView &from = context.inputs[0], &to = context.outputs[0];
  if (from.dtype == DType::kUint8) {
    return simd::max_pool_bytes(plan.shape, from.as<const uint8_t>(), to.as<uint8_t>());
  }
  if (from.dtype == DType::kInt8) {
    return simd::max_pool_bytes(plan.shape, from.as<const int8_t>(), to.as<int8_t>());
  }
  const float* x = context.inputs[0].as<const float>();
  float* y = plan.sides.target(context);
  if (context.has_output(1)) {
    const bool column_major = attributes_.get_int("storage_order", 0) != 0;
    return simd::max_pool_indices(plan.shape, column_major, x, y, context.outputs[1].as<int64_t>());
  }
  SX_TRY(kind_ == Kind::kMax ? simd::max_pool(plan.shape, x, y)
                             : simd::average_pool(plan.shape, x, y));
  return plan.sides.finish(context);
}

template <Kind kKind>
Result<KernelPtr> make_windows(const KernelInit& init) {
  SX_ASSIGN(const Window window,
            parse_window(init.attributes, init.attributes.get_ints("kernel_shape")));
  return KernelPtr(std::make_unique<PoolKernel>(kKind, init.attributes, window));
}

// Bytes have maxima as they are, but their places are found among floats.
template <Kind kKind>
Result<KernelPtr> make_pool(const KernelInit& init) {
  const DType x = init.inputs[0].dtype;
  const bool bytes = x == DType::kUint8 || x == DType::kInt8;
  if (bytes && init.output_layouts.size() == 1) return make_windows<kKind>(init);
  return widened(init, make_windows<kKind>);
}

// --- whole planes --------------------------------------------------------------------------------

Status infer_global(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_float(context, 0));
  return set_global_pool_output(context);
}

struct GlobalPlan final : StepPlan {
  OneLayout sides;
};

class GlobalPoolKernel final : public Kernel {
 public:
  explicit GlobalPoolKernel(Kind kind) : kind_(kind) {}
  Status bind(BindContext& context) const override {
    auto plan = std::make_unique<GlobalPlan>();
    ScratchLayout scratch;
    SX_ASSIGN(plan->sides, OneLayout::place(context, scratch));
    context.scratch_bytes = scratch.bytes();
    context.plan = std::move(plan);
    return {};
  }
  Status run(const RunContext& context) const override {
    const OneLayout& sides = static_cast<const GlobalPlan*>(context.plan)->sides;
    const TensorView& x = context.inputs[0];
    const int64_t planes = plane_count(x.shape, sides.layout());
    const int64_t count = x.shape.product(2, x.shape.rank());
    const auto pool = kind_ == Kind::kMax ? simd::global_max_pool : simd::global_average_pool;
    SX_TRY(pool(sides.layout(), planes, count, x.as<const float>(), sides.target(context)));
    return sides.finish(context);
  }

 private:
  Kind kind_;
};

template <Kind kKind>
Result<KernelPtr> make_global(const KernelInit&) {
  return KernelPtr(std::make_unique<GlobalPoolKernel>(kKind));
}

}  // namespace

Status infer_max_pool(InferContext& context) {
  return infer_pool(context, Kind::kMax);
}
Result<KernelPtr> make_max_pool(const KernelInit& init) {
  return make_pool<Kind::kMax>(init);
}
bool takes_nc4hw4_max_pool(const KernelInit& init) {
  return takes_blocks(init);
}

Status infer_average_pool(InferContext& context) {
  return infer_pool(context, Kind::kAverage);
}
Result<KernelPtr> make_average_pool(const KernelInit& init) {
  return make_pool<Kind::kAverage>(init);
}
bool takes_nc4hw4_average_pool(const KernelInit& init) {
  return takes_blocks(init);
}

Status infer_global_max_pool(InferContext& context) {
  return infer_global(context);
}
Result<KernelPtr> make_global_max_pool(const KernelInit& init) {
  return widened(init, make_global<Kind::kMax>);
}
bool takes_nc4hw4_global_max_pool(const KernelInit& init) {
  return takes_blocks(init);
}

Status infer_global_average_pool(InferContext& context) {
  return infer_global(context);
}
Result<KernelPtr> make_global_average_pool(const KernelInit& init) {
  return widened(init, make_global<Kind::kAverage>);
}
bool takes_nc4hw4_global_average_pool(const KernelInit& init) {
  return takes_blocks(init);
}

}  // namespace sardonyx::ops
