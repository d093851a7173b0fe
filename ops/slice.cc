// Slice: bounds as attributes until opset 9, as inputs since 10.
#include <algorithm>

#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

constexpr int kBoundsAreInputs = 10;

struct Bounds {
  IntList starts, ends, axes, steps;
};

// First index, step and count along every axis.
struct Range {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};
using Ranges = std::array<Range, kMaxRank>;

Status check_bounds(const Bounds& bounds) {
  const int count = bounds.starts.size();
  if (bounds.ends.size() != count || (!bounds.axes.empty() && bounds.axes.size() != count) ||
      (!bounds.steps.empty() && bounds.steps.size() != count)) {
    return error(ErrorCode::SHAPE_MISMATCH, "starts, ends, axes and steps differ in length");
  }
  for (int64_t step : bounds.steps) {
    if (step == 0) return error(ErrorCode::VALUE_RANGE, "a step is 0");
  }
  return {};
}

Result<IntList> resolved_axes(const Bounds& bounds, int rank) {
  IntList axes = bounds.axes;
  if (axes.empty()) {
    for (int i = 0; i < bounds.starts.size(); ++i) axes.push_back(i);
  }
  SX_ASSIGN([[maybe_unused]] const uint32_t mask, axis_mask(axes, rank, ErrorCode::VALUE_RANGE));
  for (int i = 0; i < axes.size(); ++i) {
    if (axes[i] < 0) axes[i] += rank;
  }
  return axes;
}

// Python's rules: negative indices count from the end, then everything is clamped.
Range resolve(int64_t dim, int64_t start, int64_t end, int64_t step) {
  const auto from_end = [dim](int64_t index) { return index < 0 ? index + dim : index; };
  Range range;
  range.step = step;
  if (step > 0) {
    range.start = std::clamp<int64_t>(from_end(start), 0, dim);
    const int64_t last = std::clamp<int64_t>(from_end(end), 0, dim);
    if (last > range.start) range.count = (last - range.start - 1) / step + 1;
  } else {
    range.start = std::clamp<int64_t>(from_end(start), -1, dim - 1);
    const int64_t last = std::clamp<int64_t>(from_end(end), -1, dim - 1);
    // Unsigned, for a step of INT64_MIN.
    const uint64_t stride = uint64_t{0} - static_cast<uint64_t>(step);
    if (range.start > last) {
      range.count =
          static_cast<int64_t>(static_cast<uint64_t>(range.start - last - 1) / stride) + 1;
    }
  }
  return range;
}

Result<Ranges> resolve_all(const Shape& shape, const Bounds& bounds) {
  SX_TRY(check_bounds(bounds));
  SX_ASSIGN(const IntList axes, resolved_axes(bounds, shape.rank()));
  Ranges ranges{};
  for (int axis = 0; axis < shape.rank(); ++axis) {
    ranges[static_cast<size_t>(axis)] = {0, 1, shape[axis]};
  }
  for (int i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<int>(axes[i]);
    const int64_t step = bounds.steps.empty() ? 1 : bounds.steps[i];
    ranges[static_cast<size_t>(axis)] =
        shape[axis] < 0 ? Range{0, 1, kUnknownDim}
                        : resolve(shape[axis], bounds.starts[i], bounds.ends[i], step);
  }
  return ranges;
}

Result<Bounds> attribute_bounds(const Attributes& attributes) {
  Bounds bounds;
  SX_ASSIGN(bounds.starts, int_list(attributes.get_ints("starts")));
  SX_ASSIGN(bounds.ends, int_list(attributes.get_ints("ends")));
  SX_ASSIGN(bounds.axes, int_list(attributes.get_ints("axes")));
  return bounds;
}

// Nullopt while an input is not known.
Result<std::optional<Bounds>> input_bounds(const InferContext& context) {
  Bounds bounds;
  IntList* lists[] = {&bounds.starts, &bounds.ends, &bounds.axes, &bounds.steps};
  bool known = true;
  for (size_t i = 0; i < 4; ++i) {
    if (i >= 2 && !context.has_input(i + 1)) continue;
    SX_ASSIGN(const std::optional<IntList> list, known_ints(context, i + 1));
    known &= list.has_value();
    if (list) *lists[i] = *list;
  }
  if (!known) return std::optional<Bounds>();
  return std::optional<Bounds>(bounds);
}

Result<Bounds> run_bounds(const Attributes& attributes, const RunContext& context) {
  if (context.inputs.size() == 1) return attribute_bounds(attributes);
  Bounds bounds;
  IntList* lists[] = {&bounds.starts, &bounds.ends, &bounds.axes, &bounds.steps};
  for (size_t i = 0; i < 4; ++i) {
    if (!context.has_input(i + 1)) continue;
    SX_ASSIGN(*lists[i], int_list(context.inputs[i + 1]));
  }
  return bounds;
}

Status run_slice(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  SX_ASSIGN(const Bounds bounds, run_bounds(attributes, context));
  SX_ASSIGN(const Ranges ranges, resolve_all(x.shape, bounds));
  SX_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const auto from = dense_strides(x.shape);
  const auto to = dense_strides(y.shape);
  StridedCopy copy;
  int64_t first = 0;
  for (int axis = 0; axis < x.shape.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    const Range& range = ranges[i];
    if (range.count != y.shape[axis]) {
      return error(ErrorCode::SHAPE_MISMATCH, "the bounds changed while the run was under way");
    }
    if (range.count == 0) return {};
    first += range.start * from[i];
    // A step beyond the dim is never taken, and may be too large to multiply.
    copy.add(range.count, range.count == 1 ? 0 : range.step * from[i], to[i]);
  }
  return copy.run(bytes, x.as<const uint8_t>() + first * static_cast<int64_t>(bytes), y.data);
}

}  // namespace

Status infer_slice(InferContext& context) {
  const bool inputs = context.opset >= kBoundsAreInputs;
  SX_TRY(check_arity(context, inputs ? 3 : 1, inputs ? 5 : 1));
  const ValueFacts& x = context.inputs[0];
  SX_TRY(element_bytes(x.dtype).take_status());
  std::optional<Bounds> bounds;
  if (inputs) {
    SX_ASSIGN(bounds, input_bounds(context));
  } else {
    SX_ASSIGN(bounds, attribute_bounds(context.attributes));
  }
  if (!x.has_shape) {
    if (bounds) SX_TRY(check_bounds(*bounds));
    context.set_output_unknown(0, x.dtype);
    return {};
  }
  Shape shape = x.shape;
  if (!bounds) {
    shape.resize(0);
    shape.resize(x.shape.rank(), kUnknownDim);
  } else {
    SX_ASSIGN(const Ranges ranges, resolve_all(x.shape, *bounds));
    for (int axis = 0; axis < shape.rank(); ++axis) {
      shape[axis] = ranges[static_cast<size_t>(axis)].count;
    }
  }
  context.set_output(0, x.dtype, shape);
  return {};
}

Result<KernelPtr> make_slice(const KernelInit& init) {
  return stateless(init, run_slice);
}

}  // namespace sardonyx::ops
