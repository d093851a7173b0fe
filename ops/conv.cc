// Conv and com.microsoft FusedConv: y = act(conv(X, W) + B + Z).
#include <algorithm>
#include <cstring>
#include <variant>

#include "ops/activation.h"
#include "ops/conv_shape.h"
#include "ops/operator.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/conv.h"
#include "simd/conv_direct.h"
#include "simd/conv_indirect.h"
#include "simd/depthwise.h"
#include "simd/layout.h"
#include "simd/winograd.h"
#include "simd/winograd_line.h"
#include "simd/winograd_rows.h"

namespace sardonyx::ops {
namespace {

using simd::ConvAlgorithm;
using simd::ConvShape;
using simd::ConvSpec;

constexpr size_t kX = 0, kW = 1, kB = 2, kZ = 3;

// --- shape rule ----------------------------------------------------------------------------------

Status infer(InferContext& context, size_t max_inputs) {
  SX_TRY(check_arity(context, 2, max_inputs));
  for (size_t i = 0; i < max_inputs; ++i) SX_TRY(check_float(context, i));
  SX_TRY(parse_activation(context.attributes).take_status());
  return infer_conv_shape(context, {.x = kX, .w = kW, .bias = kB}, context.inputs[kX].dtype);
}

// --- what is computed ----------------------------------------------------------------------------

// Floats of the packed weights.
std::optional<int64_t> packed_size(const ConvSpec& spec) {
  switch (choose_conv(spec)) {
    case ConvAlgorithm::kIndirect:
      return simd::indirect_packed_size(spec);
    case ConvAlgorithm::kWinograd:
      return simd::winograd_packed_size(spec);
    case ConvAlgorithm::kDepthwise:
      return simd::depthwise_packed_size(spec);
    case ConvAlgorithm::kWinogradLine:
      return simd::winograd_line_packed_size(spec);
    case ConvAlgorithm::kWinogradRows:
      return simd::winograd_rows_packed_size(spec);
    case ConvAlgorithm::kDirect:
      return simd::direct_packed_size(spec);
  }
  return std::nullopt;
}

void pack(const ConvSpec& spec, const float* weights, float* packed) {
  switch (choose_conv(spec)) {
    case ConvAlgorithm::kIndirect:
      return simd::indirect_pack(spec, weights, packed);
    case ConvAlgorithm::kWinograd:
      return simd::winograd_pack(spec, weights, packed);
    case ConvAlgorithm::kDepthwise:
      return simd::depthwise_pack(spec, weights, packed);
    case ConvAlgorithm::kWinogradLine:
      return simd::winograd_line_pack(spec, weights, packed);
    case ConvAlgorithm::kWinogradRows:
      return simd::winograd_rows_pack(spec, weights, packed);
    case ConvAlgorithm::kDirect:
      return simd::direct_pack(spec, weights, packed);
  }
}

std::string_view kernel_name(const ConvSpec& spec) {
  switch (choose_conv(spec)) {
    case ConvAlgorithm::kIndirect:
      return spec.taps() == 1 ? "conv_1x1" : "conv_indirect";
    case ConvAlgorithm::kWinograd:
      return spec.winograd_tile == 4 ? "conv_winograd_4x4" : "conv_winograd_2x2";
    case ConvAlgorithm::kDepthwise:
      return spec.kernel[1] == 3 && spec.kernel[2] == 3 ? "conv_depthwise_3x3" : "conv_depthwise";
    case ConvAlgorithm::kWinogradLine:
      return "conv_winograd_line";
    case ConvAlgorithm::kWinogradRows:
      return "conv_winograd_rows";
    case ConvAlgorithm::kDirect:
      return "conv_direct";
  }
  return "conv";
}

// What the engine asks for, which decides for the model as a whole; 0 where it is not possible.
int winograd_tile(const Attributes& attributes, const ConvSpec& spec) {
  const auto tile = static_cast<int>(attributes.get_int("winograd_tile", 0));
  const bool taken = tile == simd::kLineTile   ? simd::winograd_line_takes(spec)
                     : tile == simd::kRowsTile ? simd::winograd_rows_takes(spec)
                                               : simd::winograd_takes(spec, tile);
  return taken ? tile : 0;
}

void pad_bias(const float* bias, int64_t channels, float* padded, int64_t size) {
  if (channels > 0) std::memcpy(padded, bias, static_cast<size_t>(channels) * sizeof(float));
  std::memset(padded + channels, 0, static_cast<size_t>(size - channels) * sizeof(float));
}

// --- kernel --------------------------------------------------------------------------------------

constexpr size_t kNone = SIZE_MAX;

struct Plan final : StepPlan {
  ConvShape shape;
  std::variant<std::monostate, simd::IndirectConv, simd::WinogradConv, simd::DepthwiseConv,
               simd::WinogradLine, simd::WinogradRows, simd::DirectConv>
      algorithm;
  // Parts of the scratch memory, kNone where there is no need for one.
  size_t weights = kNone, bias = kNone, stage = kNone, x = kNone, z = kNone, y = kNone;
};

class ConvKernel final : public Kernel {
 public:
  static Result<KernelPtr> make(const KernelInit& init);
  Status bind(BindContext& context) const override;
  Status run(const RunContext& context) const override;
  std::string_view name() const override { return name_; }

 private:
  explicit ConvKernel(const Attributes& attributes) : attributes_(attributes) {}
  Status prepare(const KernelInit& init);
  Status place_scratch(BindContext& context, Plan& plan) const;
  // The layout in which the algorithm reads and writes.
  static Layout inner_layout(const ConvSpec& spec, Layout outer) {
    const ConvAlgorithm algorithm = choose_conv(spec);
    const bool blocked =
        algorithm == ConvAlgorithm::kDepthwise || algorithm == ConvAlgorithm::kWinogradLine;
    return blocked ? Layout::kNC4HW4 : outer;
  }

  const Attributes& attributes_;  // owned by the lowering, which outlives its kernels
  simd::Activation activation_;
  std::string_view name_ = "conv";
  int winograd_tile_ = 0;
  std::shared_ptr<const Block> weights_;  // packed
  Block bias_;                            // padded
};

Result<KernelPtr> ConvKernel::make(const KernelInit& init) {
  auto kernel = std::unique_ptr<ConvKernel>(new ConvKernel(init.attributes));
  SX_TRY(kernel->prepare(init));
  return KernelPtr(std::move(kernel));
}

Status ConvKernel::prepare(const KernelInit& init) {
  SX_ASSIGN(activation_, parse_activation(attributes_));
  const ConstantPtr& weights = init.inputs[kW].constant;
  if (!weights) return {};
  Window window;
  SX_ASSIGN(ConvSpec spec, conv_spec(attributes_, weights->shape, init.inputs[kX].layout,
                                     init.output_layouts[0], window));
  winograd_tile_ = spec.winograd_tile = winograd_tile(attributes_, spec);
  name_ = kernel_name(spec);
  const bool has_bias = init.has_input(kB);
  const ConstantPtr bias = has_bias ? init.inputs[kB].constant : nullptr;
  if (!has_bias || bias) {
    const int64_t size = simd::conv_bias_size(spec);
    SX_ASSIGN(bias_, Block::allocate(static_cast<uint64_t>(size) * sizeof(float)));
    const auto* values = bias ? reinterpret_cast<const float*>(bias->payload.data()) : nullptr;
    pad_bias(values, bias ? bias->shape[0] : 0, bias_.as<float>(), size);
    if (bias) init.consumed(kB);
  }
  const auto size = packed_size(spec);
  const std::string packing = std::string(name_) + '.' + std::to_string(spec.groups);
  SX_ASSIGN(weights_, init.packs.get(weights, packing, [&]() -> Result<Block> {
    const auto bytes = checked_mul<int64_t>(size.value_or(INT64_MAX), sizeof(float));
    SX_ASSIGN(Block block, Block::allocate(static_cast<uint64_t>(bytes.value_or(INT64_MAX))));
    pack(spec, reinterpret_cast<const float*>(weights->payload.data()), block.as<float>());
    return block;
  }));
  init.consumed(kW);
  return {};
}

Status ConvKernel::place_scratch(BindContext& context, Plan& plan) const {
  const ConvSpec& spec = plan.shape;
  ScratchLayout scratch;
  if (!weights_) {
    SX_ASSIGN(plan.weights, scratch.add_floats(packed_size(spec)));
  }
  if (!bias_) {
    SX_ASSIGN(plan.bias, scratch.add_floats(simd::conv_bias_size(spec)));
  }
  const TensorView& x = context.inputs[kX];
  const TensorView& y = context.outputs[0];
  const Layout in_layout = inner_layout(spec, x.layout), out_layout = inner_layout(spec, y.layout);
  if (in_layout != x.layout) {
    SX_ASSIGN(plan.x, scratch.add_floats(storage_elements(x.shape, in_layout)));
  }
  if (out_layout != y.layout) {
    SX_ASSIGN(plan.y, scratch.add_floats(storage_elements(y.shape, out_layout)));
  }
  if (context.inputs.size() > kZ && context.inputs[kZ].present() &&
      context.inputs[kZ].layout != out_layout) {
    SX_ASSIGN(plan.z, scratch.add_floats(storage_elements(y.shape, out_layout)));
  }
  int64_t stage = 0;
  if (const auto* indirect = std::get_if<simd::IndirectConv>(&plan.algorithm)) {
    stage = indirect->scratch_floats();
  } else if (const auto* direct = std::get_if<simd::DirectConv>(&plan.algorithm)) {
    stage = direct->scratch_floats();
  } else if (const auto* winograd = std::get_if<simd::WinogradConv>(&plan.algorithm)) {
    stage = winograd->scratch_floats();
  } else if (const auto* line = std::get_if<simd::WinogradLine>(&plan.algorithm)) {
    stage = line->scratch_floats();
  } else if (const auto* rows = std::get_if<simd::WinogradRows>(&plan.algorithm)) {
    stage = rows->scratch_floats();
  }
  if (stage > 0) {
    SX_ASSIGN(plan.stage, scratch.add_floats(stage));
  }
  context.scratch_bytes = scratch.bytes();
  return {};
}

Status ConvKernel::bind(BindContext& context) const {
  const TensorView& x = context.inputs[kX];
  const TensorView& y = context.outputs[0];
  if (context.inputs.size() > kZ && context.inputs[kZ].present() &&
      !(context.inputs[kZ].shape == y.shape)) {
    return error(ErrorCode::SHAPE_MISMATCH, "Z has shape %s, the output %s",
                 context.inputs[kZ].shape.to_string().c_str(), y.shape.to_string().c_str());
  }
  Window window;
  SX_ASSIGN(ConvSpec spec,
            conv_spec(attributes_, context.inputs[kW].shape, x.layout, y.layout, window));
  spec.winograd_tile = winograd_tile_;
  auto plan = std::make_unique<Plan>();
  SX_ASSIGN(plan->shape, conv_shape(spec, window, x.shape, y.shape));
  if (y.elements() > 0) {
    switch (choose_conv(spec)) {
      case ConvAlgorithm::kIndirect: {
        SX_ASSIGN(plan->algorithm, simd::IndirectConv::make(plan->shape));
        break;
      }
      case ConvAlgorithm::kWinograd:
        plan->algorithm = simd::WinogradConv(plan->shape);
        break;
      case ConvAlgorithm::kDepthwise:
        plan->algorithm = simd::DepthwiseConv(plan->shape);
        break;
      case ConvAlgorithm::kWinogradLine: {
        SX_ASSIGN(plan->algorithm, simd::WinogradLine::make(plan->shape));
        break;
      }
      case ConvAlgorithm::kWinogradRows: {
        SX_ASSIGN(plan->algorithm, simd::WinogradRows::make(plan->shape));
        break;
      }
      case ConvAlgorithm::kDirect: {
        SX_ASSIGN(plan->algorithm, simd::DirectConv::make(plan->shape));
        break;
      }
    }
    SX_TRY(place_scratch(context, *plan));
  }
  context.plan = std::move(plan);
  return {};
}

// `from` in the other layout, in scratch memory.
Result<const float*> converted(const TensorView& from, uint8_t* to) {
  const Shape& shape = from.shape;
  const auto convert = from.layout == Layout::kRowMajor ? simd::to_nc4hw4 : simd::to_row_major;
  SX_TRY(convert(from.data, shape[0], shape[1], shape.product(2, shape.rank()), sizeof(float), to));
  return reinterpret_cast<const float*>(to);
}

Status ConvKernel::run(const RunContext& context) const {
  const Plan& plan = *static_cast<const Plan*>(context.plan);
  const ConvShape& shape = plan.shape;
  const TensorView& out = context.outputs[0];
  if (out.elements() == 0) return {};
  const auto part = [&](size_t offset) {
    return offset == kNone ? nullptr : reinterpret_cast<float*>(context.scratch + offset);
  };
  const float* weights = weights_ ? weights_->as<float>() : context.inputs[kW].as<const float>();
  if (plan.weights != kNone) {
    pack(shape, weights, part(plan.weights));
    weights = part(plan.weights);
  }
  const float* bias = bias_.as<float>();
  if (plan.bias != kNone) {
    const bool given = context.has_input(kB);
    pad_bias(given ? context.inputs[kB].as<const float>() : nullptr, given ? shape.out_channels : 0,
             part(plan.bias), simd::conv_bias_size(shape));
    bias = part(plan.bias);
  }
  const float* x = context.inputs[kX].as<const float>();
  if (plan.x != kNone) {
    SX_ASSIGN(x, converted(context.inputs[kX], context.scratch + plan.x));
  }
  const float* z = context.has_input(kZ) ? context.inputs[kZ].as<const float>() : nullptr;
  if (plan.z != kNone) {
    SX_ASSIGN(z, converted(context.inputs[kZ], context.scratch + plan.z));
  }
  float* y = plan.y != kNone ? part(plan.y) : out.as<float>();
  if (const auto* indirect = std::get_if<simd::IndirectConv>(&plan.algorithm)) {
    SX_TRY(indirect->run(x, weights, bias, z, activation_, y, part(plan.stage)));
  } else if (const auto* winograd = std::get_if<simd::WinogradConv>(&plan.algorithm)) {
    SX_TRY(winograd->run(x, weights, bias, z, activation_, y, part(plan.stage)));
  } else if (const auto* depthwise = std::get_if<simd::DepthwiseConv>(&plan.algorithm)) {
    SX_TRY(depthwise->run(x, weights, bias, z, activation_, y));
  } else if (const auto* line = std::get_if<simd::WinogradLine>(&plan.algorithm)) {
    SX_TRY(line->run(x, weights, bias, z, activation_, y, part(plan.stage)));
  } else if (const auto* rows = std::get_if<simd::WinogradRows>(&plan.algorithm)) {
    SX_TRY(rows->run(x, weights, bias, z, activation_, y, part(plan.stage)));
  } else if (const auto* direct = std::get_if<simd::DirectConv>(&plan.algorithm)) {
    SX_TRY(direct->run(x, weights, bias, z, activation_, y, part(plan.stage)));
  }
  if (plan.y == kNone) return {};
  return simd::to_row_major(y, shape.batch, shape.out_channels, shape.out_plane(), sizeof(float),
                            out.data);
}

}  // namespace

Status infer_conv(InferContext& context) {
  return infer(context, 3);
}
Result<KernelPtr> make_conv(const KernelInit& init) {
  return widened(init, ConvKernel::make);
}
bool takes_nc4hw4_conv(const KernelInit& init) {
  const KernelInput& x = init.inputs[kX];
  const KernelInput& w = init.inputs[kW];
  if (x.dtype != DType::kFloat32 || !w.has_shape || !w.shape.is_known() || w.shape.rank() != 4) {
    return false;
  }
  Window window;
  const auto spec = conv_spec(init.attributes, w.shape, x.layout, Layout::kNC4HW4, window);
  return spec.ok() && simd::conv_takes_channel_blocks(spec.value());
}

Status infer_fused_conv(InferContext& context) {
  return infer(context, 4);
}
Result<KernelPtr> make_fused_conv(const KernelInit& init) {
  return widened(init, ConvKernel::make);
}
bool takes_nc4hw4_fused_conv(const KernelInit& init) {
  return takes_nc4hw4_conv(init);
}

}  // namespace sardonyx::ops
