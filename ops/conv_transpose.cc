// ConvTranspose: each input element, times the filters, is added into a window of the output.
#include <algorithm>

#include "base/checked.h"
#include "ops/conv_shape.h"
#include "ops/operator.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/transposed_window.h"
#include "ops/widened.h"
#include "simd/conv_transposed.h"
#include "simd/layout.h"

namespace sardonyx::ops {
namespace {

using simd::ConvShape;
using simd::ConvSpec;

constexpr size_t kX = 0, kW = 1, kB = 2;
constexpr int kAxes = 3;

// --- shape rule ----------------------------------------------------------------------------------

Status check_shapes(const InferContext& context, int64_t groups) {
  const Shape& x = context.inputs[kX].shape;
  const Shape& w = context.inputs[kW].shape;
  const bool ranks_fit = x.rank() >= 3 && x.rank() == w.rank() && x.rank() - 2 <= kAxes;
  const bool channels_fit = ranks_fit && (x[1] < 0 || w[0] < 0 || x[1] == w[0]) &&
                            (w[0] < 0 || w[0] % groups == 0) && w[0] != 0 && w[1] != 0;
  if (!channels_fit) {
    return error(ErrorCode::SHAPE_MISMATCH, "an input of shape %s with weights %s in %lld groups",
                 x.to_string().c_str(), w.to_string().c_str(), static_cast<long long>(groups));
  }
  if (!context.has_input(kB) || !context.inputs[kB].has_shape) return {};
  const Shape& bias = context.inputs[kB].shape;
  const auto filters = w[1] < 0 ? std::nullopt : checked_mul(w[1], groups);
  if (bias.rank() == 1 && (bias[0] < 0 || !filters || bias[0] == *filters)) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "a bias of shape %s with weights %s",
               bias.to_string().c_str(), w.to_string().c_str());
}

Status check_kernel_shape(const Attributes& attributes, const Shape& w) {
  const auto given = attributes.get_ints("kernel_shape");
  bool fits = given.empty() || given.size() == static_cast<size_t>(w.rank() - 2);
  for (size_t i = 0; i < given.size() && fits; ++i) {
    const int64_t dim = w[static_cast<int>(i) + 2];
    fits = dim < 0 || dim == given[i];
  }
  if (fits) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "kernel_shape does not fit weights %s",
               w.to_string().c_str());
}

// --- kernel --------------------------------------------------------------------------------------

Result<ConvSpec> transposed_spec(const Attributes& attributes, const Shape& w, Layout in,
                                 Layout out) {
  Window window;
  SX_ASSIGN(ConvSpec spec, conv_spec(attributes, w, in, out, window));
  spec.in_channels = w[0];
  spec.out_channels = w[1] * spec.groups;
  return spec;
}

struct Plan final : StepPlan {
  ConvShape shape;
  simd::TransposedConv conv;
  // Parts of the scratch memory.
  size_t weights = 0, work = 0;
};

class ConvTransposeKernel final : public Kernel {
 public:
  static Result<KernelPtr> make(const KernelInit& init);
  Status bind(BindContext& context) const override;
  Status run(const RunContext& context) const override;
  std::string_view name() const override { return "conv_transposed"; }

 private:
  explicit ConvTransposeKernel(const Attributes& attributes) : attributes_(attributes) {}

  const Attributes& attributes_;          // owned by the lowering, which outlives its kernels
  std::shared_ptr<const Block> weights_;  // packed
};

Result<KernelPtr> ConvTransposeKernel::make(const KernelInit& init) {
  auto kernel = std::unique_ptr<ConvTransposeKernel>(new ConvTransposeKernel(init.attributes));
  const ConstantPtr& weights = init.inputs[kW].constant;
  if (!weights) return KernelPtr(std::move(kernel));
  SX_ASSIGN(const ConvSpec spec, transposed_spec(init.attributes, weights->shape,
                                                 init.inputs[kX].layout, init.output_layouts[0]));
  const bool blocked = spec.out_layout == Layout::kNC4HW4;
  const std::string packing =
      (blocked ? "conv_transposed.blocks." : "conv_transposed.") + std::to_string(spec.groups);
  SX_ASSIGN(kernel->weights_, init.packs.get(weights, packing, [&]() -> Result<Block> {
    const auto floats = simd::transposed_packed_size(spec);
    const auto bytes = checked_mul<int64_t>(floats.value_or(INT64_MAX), sizeof(float));
    SX_ASSIGN(Block block, Block::allocate(static_cast<uint64_t>(bytes.value_or(INT64_MAX))));
    simd::transposed_pack(spec, reinterpret_cast<const float*>(weights->payload.data()),
                          block.as<float>());
    return block;
  }));
  init.consumed(kW);
  return KernelPtr(std::move(kernel));
}

Status ConvTransposeKernel::bind(BindContext& context) const {
  const TensorView& x = context.inputs[kX];
  const TensorView& y = context.outputs[0];
  const Shape& w = context.inputs[kW].shape;
  auto plan = std::make_unique<Plan>();
  if (y.elements() > 0) {
    SX_ASSIGN(const TransposedWindow window,
              parse_transposed_window(attributes_, w.dims().subspan(2)));
    ConvShape& shape = plan->shape;
    SX_ASSIGN(static_cast<ConvSpec&>(shape), transposed_spec(attributes_, w, x.layout, y.layout));
    shape.batch = x.shape[0];
    for (int axis = 0; axis < window.window.axes; ++axis) {
      SX_ASSIGN(const WindowAxis placed, place_transposed(window, axis, x.shape[axis + 2]));
      const int to = kAxes - window.window.axes + axis;
      shape.in[to] = x.shape[axis + 2];
      shape.out[to] = y.shape[axis + 2];
      shape.pad[to] = placed.pad_begin;
    }
    SX_ASSIGN(plan->conv, simd::TransposedConv::make(shape));
    ScratchLayout scratch;
    if (!weights_) {
      SX_ASSIGN(plan->weights, scratch.add_floats(simd::transposed_packed_size(shape)));
    }
    SX_ASSIGN(plan->work, scratch.add_floats(plan->conv.scratch_floats()));
    context.scratch_bytes = scratch.bytes();
  }
  context.plan = std::move(plan);
  return {};
}

Status ConvTransposeKernel::run(const RunContext& context) const {
  if (context.outputs[0].elements() == 0) return {};
  const Plan& plan = *static_cast<const Plan*>(context.plan);
  const auto part = [&](size_t offset) {
    return reinterpret_cast<float*>(context.scratch + offset);
  };
  const float* weights = weights_ ? weights_->as<float>() : part(plan.weights);
  if (!weights_) {
    simd::transposed_pack(plan.shape, context.inputs[kW].as<const float>(), part(plan.weights));
  }
  const float* bias = context.has_input(kB) ? context.inputs[kB].as<const float>() : nullptr;
  return plan.conv.run(context.inputs[kX].as<const float>(), weights, bias,
                       context.outputs[0].as<float>(), part(plan.work));
}

}  // namespace

Status infer_conv_transpose(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  for (size_t i = 0; i < 3; ++i) SX_TRY(check_float(context, i));
  const int64_t groups = context.attributes.get_int("group", 1);
  if (groups < 1 || groups > INT32_MAX) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "group %lld", static_cast<long long>(groups));
  }
  context.set_output_unknown(0, context.inputs[kX].dtype);
  if (!context.inputs[kX].has_shape || !context.inputs[kW].has_shape) return {};
  SX_TRY(check_shapes(context, groups));
  const Shape& x = context.inputs[kX].shape;
  const Shape& w = context.inputs[kW].shape;
  SX_TRY(check_kernel_shape(context.attributes, w));
  Shape out;
  out.resize(x.rank(), kUnknownDim);
  out[0] = x[0];
  if (w[1] >= 0) {
    const auto filters = checked_mul(w[1], groups);
    if (!filters) return error(ErrorCode::LIMIT_EXCEEDED, "the number of filters overflows");
    out[1] = *filters;
  }
  const auto kernel = w.dims().subspan(2);
  if (std::all_of(kernel.begin(), kernel.end(), [](int64_t dim) { return dim >= 0; })) {
    SX_ASSIGN(const TransposedWindow window, parse_transposed_window(context.attributes, kernel));
    for (int axis = 0; axis < window.window.axes; ++axis) {
      SX_ASSIGN(const WindowAxis placed, place_transposed(window, axis, x[axis + 2]));
      out[axis + 2] = placed.out;
    }
  }
  context.set_output(0, context.inputs[kX].dtype, out);
  return {};
}

Result<KernelPtr> make_conv_transpose(const KernelInit& init) {
  return widened(init, ConvTransposeKernel::make);
}

bool takes_nc4hw4_conv_transpose(const KernelInit& init) {
  const KernelInput& x = init.inputs[kX];
  const KernelInput& w = init.inputs[kW];
  return x.dtype == DType::kFloat32 && w.has_shape && w.shape.rank() == 4 && w.shape[1] > 0 &&
         w.shape[1] % simd::kChannelBlock == 0 && init.attributes.get_int("group", 1) == 1;
}

}  // namespace sardonyx::ops
