// CenterCropPad: axes cut or padded with zeros, alike on both sides, to the extents given.
#include <algorithm>
#include <cstring>

#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kExtents = 1;

Result<Shape> resized(const Attributes& attributes, const Shape& x,
                      const std::optional<IntList>& extents) {
  SX_ASSIGN(IntList axes, int_list(attributes.get_ints("axes")));
  if (!attributes.has("axes")) {
    for (int axis = 0; axis < x.rank(); ++axis) axes.push_back(axis);
  }
  SX_TRY(axis_mask(axes, x.rank(), ErrorCode::ATTRIBUTE_INVALID).take_status());
  if (extents && extents->size() != axes.size()) {
    return error(ErrorCode::SHAPE_MISMATCH, "%d extents for %d axes", extents->size(), axes.size());
  }
  Shape out = x;
  for (int i = 0; i < axes.size(); ++i) {
    const int64_t extent = extents ? (*extents)[i] : kUnknownDim;
    if (extents && extent < 0) {
      return error(ErrorCode::VALUE_RANGE, "extent %lld", static_cast<long long>(extent));
    }
    out[*normalize_axis(axes[i], x.rank())] = extent;
  }
  return out;
}

Status run_center_crop_pad(const Attributes&, const RunContext& context) {
  const TensorView &x = context.inputs[kX], &y = context.outputs[0];
  if (y.elements() == 0) return {};
  SX_ASSIGN(const size_t bytes, element_bytes(y.dtype));
  std::memset(y.data, 0, y.bytes());
  if (x.elements() == 0) return {};
  const auto from_strides = dense_strides(x.shape), to_strides = dense_strides(y.shape);
  StridedCopy copy;
  int64_t from = 0, to = 0;
  for (int axis = 0; axis < x.shape.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    const int64_t in = x.shape[axis], out = y.shape[axis];
    if (in > out) from += (in - out) / 2 * from_strides[i];
    if (out > in) to += (out - in) / 2 * to_strides[i];
    copy.add(std::min(in, out), from_strides[i], to_strides[i]);
  }
  const auto width = static_cast<int64_t>(bytes);
  return copy.run(bytes, x.as<const uint8_t>() + from * width, y.as<uint8_t>() + to * width);
}

}  // namespace

Status infer_center_crop_pad(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  const ValueFacts& x = context.inputs[kX];
  SX_TRY(check_movable(x.dtype));
  SX_ASSIGN(const std::optional<IntList> extents, known_ints(context, kExtents));
  context.set_output_unknown(0, x.dtype);
  if (!x.has_shape) return {};
  SX_ASSIGN(const Shape out, resized(context.attributes, x.shape, extents));
  context.set_output(0, x.dtype, out);
  return {};
}

Result<KernelPtr> make_center_crop_pad(const KernelInit& init) {
  return stateless(init, run_center_crop_pad);
}

}  // namespace sardonyx::ops
