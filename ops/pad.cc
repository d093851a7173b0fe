// Pad: attributes until opset 10, inputs since 11.
#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int kPadsAreInputs = 11;

const char* pads_name(int opset) {
  return opset < 2 ? "paddings" : "pads";
}

enum class Mode { kConstant, kEdge, kReflect, kWrap };

Result<Mode> pad_mode(const Attributes& attributes) {
  const std::string_view mode = attributes.get_string("mode", "constant");
  if (mode == "constant") return Mode::kConstant;
  if (mode == "edge") return Mode::kEdge;
  if (mode == "reflect") return Mode::kReflect;
  if (mode == "wrap") return Mode::kWrap;
  return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'mode' is '%.*s'",
               static_cast<int>(mode.size()), mode.data());
}

// Elements added before and behind each axis; negative ones are cut off.
struct Pads {
  std::array<int64_t, kMaxRank> before{}, behind{};
};

Result<Pads> spread(const IntList& pads, const std::optional<IntList>& axes, int rank) {
  const int count = axes ? axes->size() : rank;
  if (pads.size() != 2 * count) {
    return error(ErrorCode::SHAPE_MISMATCH, "%d pads for %d axes", pads.size(), count);
  }
  if (axes) SX_TRY(axis_mask(*axes, rank, ErrorCode::VALUE_RANGE).take_status());
  Pads out;
  for (int i = 0; i < count; ++i) {
    const auto axis = static_cast<size_t>(axes ? *normalize_axis((*axes)[i], rank) : i);
    out.before[axis] = pads[i];
    out.behind[axis] = pads[count + i];
  }
  return out;
}

// Where element `i` of a padded axis comes from; `dim` is above 0 unless mode is constant.
int64_t source_index(int64_t i, int64_t dim, Mode mode) {
  if (mode == Mode::kEdge) return std::clamp<int64_t>(i, 0, dim - 1);
  if (mode == Mode::kWrap) return (i % dim + dim) % dim;
  const int64_t period = 2 * (dim - 1);
  if (period == 0) return 0;
  i = (i % period + period) % period;
  return i < dim ? i : period - i;
}

Result<Shape> padded(const Shape& shape, const Pads& pads, Mode mode) {
  Shape out = shape;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    if (shape[axis] < 0) continue;
    const auto grown = checked_add(shape[axis], pads.before[i]);
    const auto dim = grown ? checked_add(*grown, pads.behind[i]) : std::nullopt;
    if (!dim || *dim < 0) {
      return error(ErrorCode::VALUE_RANGE, "pads %lld and %lld do not fit a dim of %lld",
                   static_cast<long long>(pads.before[i]), static_cast<long long>(pads.behind[i]),
                   static_cast<long long>(shape[axis]));
    }
    if (mode != Mode::kConstant && shape[axis] == 0 && *dim > 0) {
      return error(ErrorCode::VALUE_RANGE, "axis %d is empty: there is nothing to repeat", axis);
    }
    out[axis] = *dim;
  }
  return out;
}

class PadKernel final : public Kernel {
 public:
  PadKernel(const Attributes& attributes, int opset, Mode mode)
      : attributes_(attributes), opset_(opset), mode_(mode) {}

  Status run(const RunContext& context) const override {
    const TensorView& y = context.outputs[0];
    if (y.elements() == 0) return {};
    SX_ASSIGN(const Pads pads, read_pads(context));
    SX_ASSIGN(const size_t width, element_bytes(y.dtype));
    // An output bound for other contents of the inputs must not be overrun.
    SX_ASSIGN(const Shape shape, padded(context.inputs[0].shape, pads, mode_));
    if (!(shape == y.shape)) {
      return error(ErrorCode::INTERNAL, "the pads have changed since the shape was computed");
    }
    if (mode_ != Mode::kConstant && y.shape.rank() > 0)
      return mirror(context.inputs[0], y, pads, width);
    SX_TRY(fill(context, y, width));
    return copy_inside(context.inputs[0], y, pads, width);
  }
  std::string_view name() const override { return "pad"; }

 private:
  Result<Pads> read_pads(const RunContext& context) const {
    const int rank = context.inputs[0].shape.rank();
    if (opset_ < kPadsAreInputs) {
      SX_ASSIGN(const IntList pads, int_list(attributes_.get_ints(pads_name(opset_))));
      return spread(pads, std::nullopt, rank);
    }
    SX_ASSIGN(const IntList pads, int_list(context.inputs[1]));
    std::optional<IntList> axes;
    if (context.has_input(3)) {
      SX_ASSIGN(axes, int_list(context.inputs[3]));
    }
    return spread(pads, axes, rank);
  }

  Status fill(const RunContext& context, const TensorView& y, size_t width) const {
    alignas(16) uint8_t value[16] = {};
    if (opset_ < kPadsAreInputs) {
      const float number = attributes_.get_float("value", 0);
      convert(y.dtype, value, DType::kFloat32, &number, 1, 1);
    } else if (context.has_input(2)) {
      std::memcpy(value, context.inputs[2].data, width);
    }
    StridedCopy copy;
    copy.add(y.elements(), 0, 1);
    return copy.run(width, value, y.data);
  }

  static Status copy_inside(const TensorView& x, const TensorView& y, const Pads& pads,
                            size_t width) {
    const auto from = dense_strides(x.shape);
    const auto to = dense_strides(y.shape);
    StridedCopy copy;
    int64_t from_offset = 0;
    int64_t to_offset = 0;
    for (size_t axis = 0; axis < static_cast<size_t>(x.shape.rank()); ++axis) {
      const int64_t dim = x.shape[static_cast<int>(axis)];
      const int64_t first = std::max<int64_t>(0, -pads.before[axis]);
      const int64_t last = dim + std::min<int64_t>(0, pads.behind[axis]);
      if (last <= first) return {};
      copy.add(last - first, from[axis], to[axis]);
      from_offset += first * from[axis];
      to_offset += std::max<int64_t>(0, pads.before[axis]) * to[axis];
    }
    return copy.run(width, x.as<const uint8_t>() + static_cast<size_t>(from_offset) * width,
                    y.as<uint8_t>() + static_cast<size_t>(to_offset) * width);
  }

  Status mirror(const TensorView& x, const TensorView& y, const Pads& pads, size_t width) const {
    const int last = y.shape.rank() - 1;
    const auto from = dense_strides(x.shape);
    const int64_t length = y.shape[last];
    const auto grain = simd::grain_for(4 * static_cast<double>(length));
    return simd::parallel_for(y.elements() / length, grain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        int64_t rest = row;
        int64_t offset = 0;
        for (int axis = last - 1; axis >= 0; --axis) {
          const int64_t i = rest % y.shape[axis] - pads.before[static_cast<size_t>(axis)];
          rest /= y.shape[axis];
          offset += source_index(i, x.shape[axis], mode_) * from[static_cast<size_t>(axis)];
        }
        mirror_row(x.as<const uint8_t>() + static_cast<size_t>(offset) * width, x.shape[last],
                   pads.before[static_cast<size_t>(last)], width,
                   y.as<uint8_t>() + static_cast<size_t>(row * length) * width, length);
      }
    });
  }

  // A row of `length` elements out of one of `dim`, which lies `before` elements behind its start.
  void mirror_row(const uint8_t* from, int64_t dim, int64_t before, size_t width, uint8_t* to,
                  int64_t length) const {
    const auto copy = [=](int64_t i, int64_t source, int64_t count) {
      std::memcpy(to + static_cast<size_t>(i) * width, from + static_cast<size_t>(source) * width,
                  static_cast<size_t>(count) * width);
    };
    const int64_t begin = std::clamp<int64_t>(before, 0, length);
    const int64_t end = std::clamp(before + dim, begin, length);
    for (int64_t i = 0; i < begin; ++i) copy(i, source_index(i - before, dim, mode_), 1);
    if (begin < end) copy(begin, begin - before, end - begin);
    for (int64_t i = end; i < length; ++i) copy(i, source_index(i - before, dim, mode_), 1);
  }

  const Attributes& attributes_;
  int opset_;
  Mode mode_;
};

// The pads and the axes that they are for, as far as they are known.
Status known_pads(const InferContext& context, std::optional<IntList>& pads,
                  std::optional<IntList>& axes) {
  if (context.opset < kPadsAreInputs) {
    SX_ASSIGN(pads, int_list(context.attributes.get_ints(pads_name(context.opset))));
    return {};
  }
  SX_ASSIGN(pads, known_ints(context, 1));
  if (!context.has_input(3)) return {};
  SX_ASSIGN(axes, known_ints(context, 3));
  if (!axes) pads.reset();
  return {};
}

}  // namespace

Status infer_pad(InferContext& context) {
  const bool inputs = context.opset >= kPadsAreInputs;
  SX_TRY(check_arity(context, inputs ? 2 : 1, inputs ? 4 : 1));
  const ValueFacts& x = context.inputs[0];
  SX_TRY(check_movable(x.dtype));
  SX_TRY(check_same_dtype(context, 0, 2));
  if (!inputs) {
    SX_TRY(check_dtype(context, 0, {DType::kFloat32, DType::kFloat64, DType::kFloat16}));
  }
  if (context.has_input(2) && context.inputs[2].is_static() &&
      context.inputs[2].shape.elements() != 1) {
    return error(ErrorCode::SHAPE_MISMATCH, "the padding value is not a scalar");
  }
  SX_ASSIGN(const Mode mode, pad_mode(context.attributes));
  std::optional<IntList> pads;
  std::optional<IntList> axes;
  SX_TRY(known_pads(context, pads, axes));
  context.set_output_unknown(0, x.dtype);
  if (!x.has_shape) return {};
  Shape out;
  out.resize(x.shape.rank(), kUnknownDim);
  if (pads) {
    SX_ASSIGN(const Pads spread_pads, spread(*pads, axes, x.shape.rank()));
    SX_ASSIGN(out, padded(x.shape, spread_pads, mode));
  }
  context.set_output(0, x.dtype, out);
  return {};
}

Result<KernelPtr> make_pad(const KernelInit& init) {
  SX_ASSIGN(const Mode mode, pad_mode(init.attributes));
  return KernelPtr(std::make_unique<PadKernel>(init.attributes, init.opset, mode));
}

}  // namespace sardonyx::ops
