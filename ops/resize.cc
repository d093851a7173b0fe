// Resize and Upsample: axis after axis, those that shrink first.
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/sorted_order.h"
#include "ops/one_layout.h"
#include "ops/operator.h"
#include "ops/resize_request.h"
#include "ops/scratch.h"
#include "ops/widened.h"
#include "simd/resize.h"

namespace sardonyx::ops {
namespace {

using AspectRatio = ResizeOptions::AspectRatio;
using Coordinates = ResizeOptions::Coordinates;
using Mode = ResizeOptions::Mode;

// --- shape rule ----------------------------------------------------------------------------------

ResizeParameter fact(const InferContext& context, size_t input) {
  if (input == 0 || !context.has_input(input)) return {};
  const ValueFacts& facts = context.inputs[input];
  // An empty tensor stands for an absent one.
  if (facts.has_shape && facts.shape.elements() == 0) return {};
  return {true, facts.value};
}

Status check_parameters(const InferContext& context, const ResizeArity& arity,
                        const ResizeParameters& parameters) {
  if (parameters.scales.present) {
    SX_TRY(check_dtype(context, arity.scales, {DType::kFloat32}));
  }
  if (arity.simple) return {};
  if (!parameters.scales.present && !parameters.sizes.present) {
    return error(ErrorCode::GRAPH_INPUT_MISSING, "neither scales nor sizes are given");
  }
  if (parameters.scales.present && parameters.sizes.present) {
    // Which one is empty may not be known before the run.
    const bool known = parameters.scales.view && parameters.sizes.view;
    if (known) return error(ErrorCode::MODEL_MALFORMED, "both scales and sizes are given");
  }
  return {};
}

Status infer(InferContext& context, bool upsample) {
  const ResizeArity arity = resize_arity(upsample, context.opset);
  SX_TRY(check_arity(context, arity.scales && arity.simple ? 2 : 1, arity.inputs));
  SX_ASSIGN(const ResizeOptions options, parse_resize(context.attributes, arity.simple));
  const ValueFacts& x = context.inputs[0];
  if (options.mode == Mode::kNearest && options.coordinates != Coordinates::kCropAndResize) {
    SX_TRY(element_bytes(x.dtype).take_status());
  } else {
    SX_TRY(check_numeric(context, 0));
  }
  const ResizeParameters parameters{fact(context, arity.roi), fact(context, arity.scales),
                                    fact(context, arity.sizes)};
  SX_TRY(check_parameters(context, arity, parameters));
  if (!x.has_shape) {
    context.set_output_unknown(0, x.dtype);
    return {};
  }
  SX_ASSIGN(const std::optional<ResizeRequest> request,
            read_resize_request(context.attributes, options, parameters, x.shape.rank()));
  Shape out = x.shape;
  SX_ASSIGN(const IntList axes, resize_axes(context.attributes, x.shape.rank()));
  const bool keeps_ratio = options.aspect_ratio != AspectRatio::kStretch;
  for (int64_t named : axes) {
    const int axis = static_cast<int>(named);
    out[axis] = kUnknownDim;
    if (!request) continue;
    if (x.shape[axis] != kUnknownDim && (!keeps_ratio || x.shape.is_known())) {
      SX_ASSIGN(const ResizeAxis resized, resize_axis(options, *request, x.shape, axis));
      out[axis] = resized.out;
    } else if (request->by_size && !keeps_ratio) {
      out[axis] = request->size[static_cast<size_t>(axis)];
    }
  }
  context.set_output(0, x.dtype, out);
  return {};
}

// --- kernel --------------------------------------------------------------------------------------

struct Pass {
  int axis;
  ResizeTable table;
};

// The passes that change anything, shrinking ones first.
struct Passes {
  std::vector<Pass> list;

  static Result<Passes> make(const ResizeOptions& options, const ResizeRequest& request,
                             const Shape& x, const Shape& y);
};

// Axes in the order in which they are resized: by growth, inner ones first among equals.
std::vector<int> order_of_axes(const Shape& x, const Shape& y) {
  std::vector<int> axes;
  for (int axis = x.rank() - 1; axis >= 0; --axis) axes.push_back(axis);
  sort_items(axes, [&](int a, int b) {
    return static_cast<double>(y[a]) * static_cast<double>(x[b]) <
           static_cast<double>(y[b]) * static_cast<double>(x[a]);
  });
  return axes;
}

Result<Passes> Passes::make(const ResizeOptions& options, const ResizeRequest& request,
                            const Shape& x, const Shape& y) {
  Passes out;
  const auto order = order_of_axes(x, y);
  for (int i = 0; i < x.rank(); ++i) {
    const int axis = order[static_cast<size_t>(i)];
    if (!(request.axes >> axis & 1)) continue;
    SX_ASSIGN(const ResizeAxis resized, resize_axis(options, request, x, axis));
    if (resized.out != y[axis]) {
      return error(ErrorCode::SHAPE_MISMATCH, "axis %d has %lld elements instead of %lld", axis,
                   static_cast<long long>(resized.out), static_cast<long long>(y[axis]));
    }
    SX_ASSIGN(ResizeTable table, ResizeTable::make(options, resized));
    if (!table.is_identity()) out.list.push_back({axis, std::move(table)});
  }
  return out;
}

struct Plan final : StepPlan {
  OneLayout layout;
  std::optional<Passes> passes;  // nullopt: made in each run
  size_t between[2] = {0, 0};    // results of all passes but the last, by turns
};

class ResizeKernel final : public Kernel {
 public:
  static Result<KernelPtr> make(const KernelInit& init, bool upsample);
  Status bind(BindContext& context) const override;
  Status run(const RunContext& context) const override;
  std::string_view name() const override {
    return options_.mode == Mode::kNearest ? "resize_nearest" : "resize_interpolated";
  }

 private:
  ResizeKernel(const Attributes& attributes, const ResizeArity& arity)
      : attributes_(attributes), arity_(arity) {}
  Result<Passes> make_passes(std::span<const TensorView> inputs, const Shape& y) const;
  Status run_passes(const RunContext& context, const Plan& plan, const Passes& passes) const;

  const Attributes& attributes_;
  ResizeArity arity_;
  ResizeOptions options_;
  bool known_ = false;        // the parameters are constants
  ConstantPtr constants_[4];  // by input
};

ResizeParameter parameter_of(const KernelInit& init, size_t input, TensorView& view) {
  if (input == 0 || !init.has_input(input)) return {};
  const KernelInput& given = init.inputs[input];
  if (given.has_shape && given.shape.elements() == 0) return {};
  if (!given.constant) return {true, nullptr};
  view = given.constant->view();
  return {true, &view};
}

Result<KernelPtr> ResizeKernel::make(const KernelInit& init, bool upsample) {
  const ResizeArity arity = resize_arity(upsample, init.opset);
  auto kernel = std::unique_ptr<ResizeKernel>(new ResizeKernel(init.attributes, arity));
  SX_ASSIGN(kernel->options_, parse_resize(init.attributes, arity.simple));
  TensorView views[3];
  const ResizeParameters parameters{parameter_of(init, arity.roi, views[0]),
                                    parameter_of(init, arity.scales, views[1]),
                                    parameter_of(init, arity.sizes, views[2])};
  kernel->known_ =
      !parameters.roi.waits() && !parameters.scales.waits() && !parameters.sizes.waits();
  for (size_t i = 1; i < std::min<size_t>(init.inputs.size(), 4); ++i) {
    kernel->constants_[i] = init.inputs[i].constant;
  }
  return KernelPtr(std::move(kernel));
}

Result<Passes> ResizeKernel::make_passes(std::span<const TensorView> inputs, const Shape& y) const {
  TensorView views[4];
  const auto parameter = [&](size_t input) -> ResizeParameter {
    if (input == 0 || input >= inputs.size() || !inputs[input].present()) return {};
    views[input] = constants_[input] ? constants_[input]->view() : inputs[input];
    if (views[input].elements() == 0) return {};
    return {true, &views[input]};
  };
  const ResizeParameters parameters{parameter(arity_.roi), parameter(arity_.scales),
                                    parameter(arity_.sizes)};
  const Shape& x = inputs[0].shape;
  SX_ASSIGN(const std::optional<ResizeRequest> request,
            read_resize_request(attributes_, options_, parameters, x.rank()));
  if (!request) return error(ErrorCode::INTERNAL, "a parameter has no contents");
  return Passes::make(options_, *request, x, y);
}

Status ResizeKernel::bind(BindContext& context) const {
  auto plan = std::make_unique<Plan>();
  const Shape& x = context.inputs[0].shape;
  const Shape& y = context.outputs[0].shape;
  ScratchLayout scratch;
  SX_ASSIGN(plan->layout, OneLayout::place(context, scratch));
  if (known_) {
    SX_ASSIGN(plan->passes, make_passes(context.inputs, y));
  }
  // Sizes between passes: of those that will run, or of all that may.
  SX_ASSIGN(const size_t bytes, element_bytes(context.inputs[0].dtype));
  int64_t largest = 0;
  Shape between = x;
  size_t count = 0;
  const auto after = [&](int axis, size_t passes) {
    between[axis] = y[axis];
    if (++count < passes) {
      const auto elements = storage_elements(between, plan->layout.layout());
      largest = std::max(largest, elements.value_or(INT64_MAX));
    }
  };
  if (plan->passes) {
    for (const Pass& pass : plan->passes->list) after(pass.axis, plan->passes->list.size());
  } else {
    const auto order = order_of_axes(x, y);
    for (int i = 0; i < x.rank(); ++i) {
      after(order[static_cast<size_t>(i)], static_cast<size_t>(x.rank()));
    }
  }
  if (count > 1) {
    SX_ASSIGN(plan->between[0], scratch.add(largest, bytes));
  }
  if (count > 2) {
    SX_ASSIGN(plan->between[1], scratch.add(largest, bytes));
  }
  context.scratch_bytes = scratch.bytes();
  context.plan = std::move(plan);
  return {};
}

Status ResizeKernel::run_passes(const RunContext& context, const Plan& plan,
                                const Passes& passes) const {
  const TensorView& x = context.inputs[0];
  const bool blocked = plan.layout.layout() == Layout::kNC4HW4;
  SX_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  Shape dims = x.shape;
  if (blocked) dims[1] = simd::channel_blocks(dims[1]);
  const int64_t lanes = blocked ? simd::kChannelBlock : 1;
  void* target = plan.layout.target(context);
  const void* from = x.data;
  if (passes.list.empty()) {
    copy_bytes(target, from, static_cast<size_t>(dims.product(0, dims.rank()) * lanes) * bytes);
  }
  for (size_t i = 0; i < passes.list.size(); ++i) {
    const int axis = passes.list[i].axis;
    const simd::Resampling& view = passes.list[i].table.view();
    const bool last = i + 1 == passes.list.size();
    void* to = last ? target : context.scratch + plan.between[i % 2];
    const int64_t outer = dims.product(0, axis);
    const int64_t inner = dims.product(axis + 1, dims.rank()) * lanes;
    if (view.weights || view.outside) {
      SX_TRY(simd::resample(view, outer, inner, static_cast<const float*>(from),
                            static_cast<float*>(to)));
    } else {
      SX_TRY(simd::resample_nearest(view, outer, inner, bytes, from, to));
    }
    dims[axis] = view.out;
    from = to;
  }
  return {};
}

Status ResizeKernel::run(const RunContext& context) const {
  const Plan& plan = *static_cast<const Plan*>(context.plan);
  const TensorView& y = context.outputs[0];
  if (y.elements() == 0) return {};
  if (plan.passes) {
    SX_TRY(run_passes(context, plan, *plan.passes));
  } else {
    SX_ASSIGN(const Passes passes, make_passes(context.inputs, y.shape));
    SX_TRY(run_passes(context, plan, passes));
  }
  return plan.layout.finish(context);
}

template <bool kUpsample>
Result<KernelPtr> make_kernel(const KernelInit& init) {
  return ResizeKernel::make(init, kUpsample);
}

// Elements that only move are of any dtype.
template <bool kUpsample>
Result<KernelPtr> make(const KernelInit& init) {
  SX_ASSIGN(const ResizeOptions options,
            parse_resize(init.attributes, resize_arity(kUpsample, init.opset).simple));
  const bool moves =
      options.mode == Mode::kNearest && options.coordinates != Coordinates::kCropAndResize;
  return moves ? make_kernel<kUpsample>(init) : widened(init, make_kernel<kUpsample>);
}

// Images and channels stay as they are, which constants must show.
bool takes_channel_blocks(const KernelInit& init, bool upsample) {
  if (!follows_channel_blocks(init)) return false;
  const ResizeArity arity = resize_arity(upsample, init.opset);
  const auto options = parse_resize(init.attributes, arity.simple);
  if (!options.ok()) return false;
  // Modes that move elements even at scale 1.
  const Coordinates coordinates = options.value().coordinates;
  if (coordinates == Coordinates::kCropAndResize ||
      coordinates == Coordinates::kHalfPixelForNearest) {
    return false;
  }
  TensorView views[3];
  const ResizeParameters parameters{
      {}, parameter_of(init, arity.scales, views[1]), parameter_of(init, arity.sizes, views[2])};
  const Shape& x = init.inputs[0].shape;
  const auto request = read_resize_request(init.attributes, options.value(), parameters, x.rank());
  if (!request.ok()) return false;
  const auto axes = resize_axes(init.attributes, x.rank());
  if (!request.value()) {
    return axes.ok() && std::all_of(axes.value().begin(), axes.value().end(),
                                    [](int64_t axis) { return axis > 1; });
  }
  for (size_t axis = 0; axis < 2; ++axis) {
    if (!(request.value()->axes >> axis & 1)) continue;
    if (options.value().aspect_ratio != AspectRatio::kStretch) return false;
    const bool same = request.value()->by_size
                          ? request.value()->size[axis] == x[static_cast<int>(axis)]
                          : request.value()->scale[axis] == 1.0f;
    if (!same) return false;
  }
  return true;
}

}  // namespace

Status infer_resize(InferContext& context) {
  return infer(context, false);
}
Result<KernelPtr> make_resize(const KernelInit& init) {
  return make<false>(init);
}
bool takes_nc4hw4_resize(const KernelInit& init) {
  return takes_channel_blocks(init, false);
}

Status infer_upsample(InferContext& context) {
  return infer(context, true);
}
Result<KernelPtr> make_upsample(const KernelInit& init) {
  return make<true>(init);
}
bool takes_nc4hw4_upsample(const KernelInit& init) {
  return takes_channel_blocks(init, true);
}

}  // namespace sardonyx::ops
