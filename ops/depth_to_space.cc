// DepthToSpace and SpaceToDepth: channels as blocks of pixels, and back.
#include "base/checked.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kMaxBlockSize = 1 << 15;

// Steps of the channel, and of the row and column in a block, through the deep tensor's channels.
struct Steps {
  int64_t channel, row, column;
};

Steps steps_of(int64_t size, int64_t channels, bool column_row_depth) {
  if (column_row_depth) return {size * size, size, 1};
  return {1, size * channels, channels};
}

// Between `deep` [N, C·size², H, W] and `wide` [N, C, H·size, W·size].
Status move_blocks(const TensorView& deep, const TensorView& wide, int64_t size,
                   bool column_row_depth, bool to_wide, const RunContext& context) {
  const int64_t channels = wide.shape[1];
  const Steps steps = steps_of(size, channels, column_row_depth);
  const auto d = dense_strides(deep.shape);
  const auto w = dense_strides(wide.shape);
  const int64_t dims[6] = {deep.shape[0], channels, deep.shape[2], size, deep.shape[3], size};
  const int64_t deep_strides[6] = {d[0], steps.channel * d[1], d[2], steps.row * d[1],
                                   d[3], steps.column * d[1]};
  const int64_t wide_strides[6] = {w[0], w[1], w[2] * size, w[2], w[3] * size, w[3]};
  StridedCopy copy;
  for (int i = 0; i < 6; ++i) {
    copy.add(dims[i], to_wide ? deep_strides[i] : wide_strides[i],
             to_wide ? wide_strides[i] : deep_strides[i]);
  }
  SX_ASSIGN(const size_t width, element_bytes(deep.dtype));
  return copy.run(width, context.inputs[0].data, context.outputs[0].data);
}

Status run_depth_to_space(const Attributes& attributes, const RunContext& context) {
  return move_blocks(context.inputs[0], context.outputs[0], attributes.get_int("blocksize", 1),
                     attributes.get_string("mode", "DCR") == "CRD", true, context);
}

Status run_space_to_depth(const Attributes& attributes, const RunContext& context) {
  return move_blocks(context.outputs[0], context.inputs[0], attributes.get_int("blocksize", 1),
                     false, false, context);
}

Status check_blocks(const InferContext& context, int64_t& size) {
  SX_TRY(check_arity(context, 1, 1));
  const ValueFacts& x = context.inputs[0];
  SX_TRY(check_movable(x.dtype));
  SX_ASSIGN(size, context.attributes.require_int("blocksize"));
  if (size < 1 || size > kMaxBlockSize) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'blocksize' is %lld",
                 static_cast<long long>(size));
  }
  if (!x.has_shape || x.shape.rank() == 4) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "images of shape %s", x.shape.to_string().c_str());
}

// The dims times `factors`, or divided by them where negative.
Result<Shape> scaled(const Shape& shape, const std::array<int64_t, 4>& factors) {
  Shape out = shape;
  for (int i = 0; i < 4; ++i) {
    const int64_t factor = factors[static_cast<size_t>(i)];
    if (shape[i] < 0) continue;
    if (factor < 0) {
      if (shape[i] % -factor != 0) {
        return error(ErrorCode::SHAPE_MISMATCH, "dim %d of shape %s is no multiple of %lld", i,
                     shape.to_string().c_str(), static_cast<long long>(-factor));
      }
      out[i] = shape[i] / -factor;
      continue;
    }
    const auto product = checked_mul(shape[i], factor);
    if (!product) return error(ErrorCode::LIMIT_EXCEEDED, "a dim of the output is too large");
    out[i] = *product;
  }
  return out;
}

Status set_blocks(InferContext& context, const std::array<int64_t, 4>& factors) {
  const ValueFacts& x = context.inputs[0];
  context.set_output_unknown(0, x.dtype);
  if (!x.has_shape) return {};
  SX_ASSIGN(const Shape out, scaled(x.shape, factors));
  context.set_output(0, x.dtype, out);
  return {};
}

}  // namespace

Status infer_depth_to_space(InferContext& context) {
  int64_t size = 1;
  SX_TRY(check_blocks(context, size));
  const std::string_view mode = context.attributes.get_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'mode' is neither DCR nor CRD");
  }
  return set_blocks(context, {1, -size * size, size, size});
}

Status infer_space_to_depth(InferContext& context) {
  int64_t size = 1;
  SX_TRY(check_blocks(context, size));
  return set_blocks(context, {1, size * size, -size, -size});
}

Result<KernelPtr> make_depth_to_space(const KernelInit& init) {
  return stateless(init, run_depth_to_space);
}
Result<KernelPtr> make_space_to_depth(const KernelInit& init) {
  return stateless(init, run_space_to_depth);
}

}  // namespace sardonyx::ops
