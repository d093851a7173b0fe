// Concat. In NC4HW4 along the channels: whole channel blocks where every operand starts at a
// multiple of four, lane by lane behind the first that does not.
#include <cstring>

#include "base/checked.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"
#include "simd/layout.h"

namespace sardonyx::ops {
namespace {

Status concat_rows(const RunContext& context, int axis, size_t width) {
  const TensorView& y = context.outputs[0];
  const int64_t outer = y.shape.product(0, axis);
  const int64_t inner = y.shape.product(axis + 1, y.shape.rank());
  const int64_t row = y.shape[axis] * inner;
  int64_t offset = 0;
  for (const TensorView& x : context.inputs) {
    const int64_t length = x.shape[axis] * inner;
    StridedCopy copy;
    copy.add(outer, length, row);
    copy.add(length, 1, 1);
    if (outer && length) {
      SX_TRY(copy.run(width, x.data, y.as<uint8_t>() + static_cast<size_t>(offset) * width));
    }
    offset += length;
  }
  return {};
}

// One image of float32: `x` becomes channels [first, first + channels) of `y`.
Status place_channels(const TensorView& x, const float* from, const TensorView& y, float* to,
                      int64_t first) {
  const int64_t channels = x.shape[1];
  const int64_t plane = x.shape.product(2, x.shape.rank());
  const bool blocked_from = x.layout == Layout::kNC4HW4;
  if (y.layout == Layout::kRowMajor) {
    float* target = to + first * plane;
    if (blocked_from) return simd::to_row_major(from, 1, channels, plane, sizeof(float), target);
    std::memcpy(target, from, static_cast<size_t>(channels * plane) * sizeof(float));
    return {};
  }
  if (blocked_from) {
    simd::copy_channels(from, channels, plane, to, first);
    return {};
  }
  for (int64_t c = 0; c < channels; ++c) {
    const int64_t target = first + c;
    StridedCopy copy;
    copy.add(plane, 1, simd::kChannelBlock);
    SX_TRY(copy.run(sizeof(float), from + c * plane,
                    to + target / simd::kChannelBlock * plane * simd::kChannelBlock +
                        target % simd::kChannelBlock));
  }
  return {};
}

int64_t image_elements(const TensorView& tensor) {
  const int64_t channels = tensor.layout == Layout::kNC4HW4
                               ? round_up(tensor.shape[1], simd::kChannelBlock)
                               : tensor.shape[1];
  return channels * tensor.shape.product(2, tensor.shape.rank());
}

Status concat_channels(const RunContext& context) {
  const TensorView& y = context.outputs[0];
  if (y.elements() == 0) return {};
  for (int64_t image = 0; image < y.shape[0]; ++image) {
    int64_t first = 0;
    float* to = y.as<float>() + image * image_elements(y);
    for (const TensorView& x : context.inputs) {
      if (x.shape[1] == 0) continue;
      SX_TRY(place_channels(x, x.as<const float>() + image * image_elements(x), y, to, first));
      first += x.shape[1];
    }
  }
  return {};
}

Status run_concat(const Attributes& attributes, const RunContext& context) {
  const TensorView& y = context.outputs[0];
  bool blocked = y.layout == Layout::kNC4HW4;
  for (const TensorView& x : context.inputs) blocked = blocked || x.layout == Layout::kNC4HW4;
  if (blocked) return concat_channels(context);
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 1), y.shape.rank()));
  SX_ASSIGN(const size_t width, element_bytes(y.dtype));
  return concat_rows(context, axis, width);
}

// Dims that both sides must share take the known one; along the axis sizes add up.
Status add_operand(Shape& out, const Shape& shape, int axis) {
  bool fits = out.rank() == shape.rank();
  for (int i = 0; i < out.rank() && fits; ++i) {
    if (i == axis) {
      const auto sum = checked_add(out[i], shape[i]);
      if (!sum) return error(ErrorCode::LIMIT_EXCEEDED, "the output is too large");
      out[i] = out[i] < 0 || shape[i] < 0 ? kUnknownDim : *sum;
    } else {
      fits = out[i] < 0 || shape[i] < 0 || out[i] == shape[i];
      out[i] = std::max(out[i], shape[i]);
    }
  }
  if (fits) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "shapes %s and %s can not be joined along axis %d",
               out.to_string().c_str(), shape.to_string().c_str(), axis);
}

}  // namespace

Status infer_concat(InferContext& context) {
  SX_TRY(check_arity(context, 1, SIZE_MAX));
  SX_TRY(check_arity(context, context.inputs.size(), SIZE_MAX));
  const ValueFacts& first = context.inputs[0];
  SX_TRY(check_movable(first.dtype));
  // Since opset 4 the attribute is required; before it was 1 when left out.
  SX_ASSIGN(const int64_t axis_attribute, context.opset >= 4
                                              ? context.attributes.require_int("axis")
                                              : Result(context.attributes.get_int("axis", 1)));
  context.set_output_unknown(0, first.dtype);
  const ValueFacts* model = nullptr;
  bool complete = true;
  Shape out;
  int axis = 0;
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    const ValueFacts& input = context.inputs[i];
    SX_TRY(check_same_dtype(context, 0, i));
    complete = complete && input.has_shape;
    if (!input.has_shape) continue;
    if (model) {
      SX_TRY(add_operand(out, input.shape, axis));
    } else {
      model = &input;
      out = input.shape;
      SX_ASSIGN(axis, check_axis(axis_attribute, out.rank()));
    }
  }
  if (!model) return {};
  if (!complete) out[axis] = kUnknownDim;
  context.set_output(0, first.dtype, out);
  return {};
}

// Pays when most channels come in NC4HW4 already.
bool takes_nc4hw4_concat(const KernelInit& init) {
  int64_t here = 0;
  int64_t elsewhere = 0;
  for (const KernelInput& input : init.inputs) {
    const int rank = input.shape.rank();
    if (input.dtype != DType::kFloat32 || !input.has_shape || rank < 3 || rank > 4) return false;
    if (normalize_axis(init.attributes.get_int("axis", 1), rank) != 1) return false;
    (input.layout == Layout::kNC4HW4 ? here : elsewhere) += std::max<int64_t>(input.shape[1], 1);
  }
  return here > elsewhere;
}

Result<KernelPtr> make_concat(const KernelInit& init) {
  return stateless(init, run_concat);
}

}  // namespace sardonyx::ops
