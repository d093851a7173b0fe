#include "ops/integer_conv.h"

#include <string>

#include "ops/conv_shape.h"
#include "ops/integer_weights.h"
#include "ops/quantization.h"
#include "ops/shape_rule.h"
#include "simd/integer_conv.h"
#include "simd/integer_depthwise.h"

namespace sardonyx::ops {
namespace {

using simd::ConvSpec;

constexpr size_t kNone = SIZE_MAX;

Result<ConvSpec> integer_spec(const Attributes& attributes, const Shape& weights, Window& window) {
  SX_ASSIGN(const ConvSpec spec,
            conv_spec(attributes, weights, Layout::kRowMajor, Layout::kRowMajor, window));
  if (spec.spatial_axes > 2) {
    return error(ErrorCode::MODEL_UNSUPPORTED, "a convolution of integers over %d axes",
                 spec.spatial_axes);
  }
  SX_TRY(check_integer_depth(weights.product(1, weights.rank())));
  return spec;
}

struct Plan final : StepPlan {
  explicit Plan(simd::IntegerConv built) : conv(std::move(built)) {}
  simd::IntegerConv conv;
  ConvSpec spec;
  IntegerColumns columns;
  size_t image = 0;
  size_t weights = kNone, zeros = kNone;  // for weights that are packed at every run
};

class IntegerConvKernel final : public Kernel {
 public:
  IntegerConvKernel(const Attributes& attributes, const IntegerInputs& at,
                    const IntegerEnding& ending)
      : attributes_(attributes), at_(at), ending_(ending) {}
  // Packs constant weights.
  Status prepare(const KernelInit& init);
  Status bind(BindContext& context) const override;
  Status run(const RunContext& context) const override;
  std::string_view name() const override { return name_; }

 private:
  const Attributes& attributes_;  // owned by the lowering, which outlives its kernels
  IntegerInputs at_;
  IntegerEnding ending_;
  std::string_view name_ = "integer_conv";
  int winograd_tile_ = 0;
  std::shared_ptr<const Block> weights_;  // packed
};

// The tile that the engine chose, where sums stay exact with it.
Result<int> exact_winograd_tile(const KernelInit& init, const IntegerInputs& at, ConvSpec spec) {
  const auto tile = static_cast<int>(init.attributes.get_int("winograd_tile", 0));
  if (tile == 0 || !at.gives_bytes() ||
      !simd::integer_winograd_pays(spec, kUnknownDim, kUnknownDim)) {
    return 0;
  }
  SX_ASSIGN(const Block zeros,
            Block::allocate(static_cast<uint64_t>(spec.out_channels) * sizeof(int32_t)));
  SX_TRY(
      read_zeros(init.has_input(at.w_zero) ? init.inputs[at.w_zero].constant->view() : TensorView(),
                 spec.out_channels, zeros.as<int32_t>()));
  const simd::ByteMatrix weights = byte_matrix(init.inputs[at.w].constant->view());
  return simd::integer_winograd_is_exact(spec, weights, zeros.as<int32_t>()) ? tile : 0;
}

Status IntegerConvKernel::prepare(const KernelInit& init) {
  SX_TRY(check_constant_scales(init, at_));
  const ConstantPtr weights = fixed_integer_weights(init, at_);
  if (!weights) return {};
  Window window;
  SX_ASSIGN(ConvSpec spec, integer_spec(attributes_, weights->shape, window));
  SX_ASSIGN(winograd_tile_, exact_winograd_tile(init, at_, spec));
  spec.winograd_tile = winograd_tile_;
  if (simd::is_integer_depthwise(spec)) name_ = "integer_depthwise";
  if (spec.winograd_tile > 0) name_ = "integer_winograd";
  IntegerPacking packing;
  packing.name = "integer_conv." + std::to_string(spec.groups) + "." +
                 std::to_string(spec.winograd_tile) + ".";
  packing.columns = spec.out_channels;
  packing.size = simd::integer_conv_packed_size(spec);
  packing.pack = [&](const int32_t* zeros, int16_t* packed) {
    simd::integer_conv_pack(spec, byte_matrix(weights->view()), zeros, packed);
  };
  SX_ASSIGN(weights_, pack_integer_weights(init, at_, packing));
  return {};
}

Status IntegerConvKernel::bind(BindContext& context) const {
  const TensorView& x = context.inputs[at_.x];
  const TensorView& y = context.outputs[0];
  if (y.elements() == 0) return {};
  Window window;
  SX_ASSIGN(ConvSpec spec, integer_spec(attributes_, context.inputs[at_.w].shape, window));
  spec.winograd_tile = winograd_tile_;
  SX_ASSIGN(const simd::ConvShape shape, conv_shape(spec, window, x.shape, y.shape));
  SX_ASSIGN(simd::IntegerConv conv, simd::IntegerConv::make(shape));
  auto plan = std::make_unique<Plan>(std::move(conv));
  plan->spec = spec;
  ScratchLayout scratch;
  SX_ASSIGN(plan->image, scratch.add(plan->conv.scratch_bytes(), 1));
  SX_TRY(plan->columns.place(spec.out_channels, spec.out_channels, scratch));
  if (!weights_) {
    SX_ASSIGN(plan->weights, scratch.add(simd::integer_conv_packed_size(spec), sizeof(int16_t)));
    SX_ASSIGN(plan->zeros, scratch.add(spec.out_channels, sizeof(int32_t)));
  }
  context.scratch_bytes = scratch.bytes();
  context.plan = std::move(plan);
  return {};
}

Status IntegerConvKernel::run(const RunContext& context) const {
  if (!context.plan) return {};
  const Plan& plan = *static_cast<const Plan*>(context.plan);
  const auto zero_input = [&](size_t i) {
    return context.has_input(i) ? context.inputs[i] : TensorView();
  };
  const int16_t* weights = weights_ ? weights_->as<const int16_t>() : nullptr;
  if (!weights) {
    auto* packed = reinterpret_cast<int16_t*>(context.scratch + plan.weights);
    auto* zeros = reinterpret_cast<int32_t*>(context.scratch + plan.zeros);
    SX_TRY(read_zeros(zero_input(at_.w_zero), plan.spec.out_channels, zeros));
    simd::integer_conv_pack(plan.spec, byte_matrix(context.inputs[at_.w]), zeros, packed);
    weights = packed;
  }
  int32_t x_zero = 0;
  SX_TRY(read_zeros(zero_input(at_.x_zero), 1, &x_zero));
  IntegerColumns::Backing backing;
  simd::IntegerOutput output;
  SX_TRY(plan.columns.fill(context, at_, ending_, backing, output));
  return plan.conv.run(byte_matrix(context.inputs[at_.x]), x_zero, weights, output,
                       context.scratch + plan.image);
}

}  // namespace

Status infer_integer_conv(InferContext& context, const IntegerInputs& at,
                          const IntegerEnding& ending) {
  const ValueFacts& w = context.inputs[at.w];
  DType dtype = DType::kUndefined;
  SX_TRY(check_integer_inputs(context, at, ending, 1,
                              w.has_shape && w.shape.rank() > 0 ? w.shape[0] : kUnknownDim, dtype));
  return infer_conv_shape(context, {.x = at.x, .w = at.w, .bias = at.bias}, dtype);
}

Result<KernelPtr> make_integer_conv(const KernelInit& init, const IntegerInputs& at,
                                    const IntegerEnding& ending) {
  auto kernel = std::make_unique<IntegerConvKernel>(init.attributes, at, ending);
  SX_TRY(kernel->prepare(init));
  return KernelPtr(std::move(kernel));
}

}  // namespace sardonyx::ops
