// Reductions and softmax for WebGPU.
#include <algorithm>

#include "engine/gpu/emitter.h"
#include "engine/gpu/strided_dims.h"
#include "ops/strided.h"

namespace sardonyx::gpu {
namespace {

// In the order of webgpu/reduce.ts.
constexpr std::string_view kReductions[] = {
    "ReduceSum", "ReduceMean", "ReduceMax",       "ReduceMin",    "ReduceProd",
    "ReduceL1",  "ReduceL2",   "ReduceSumSquare", "ReduceLogSum",
};

// Which axes are reduced, as a bit mask.
bool reduced_axes(const Emitter& e, int rank, uint32_t& mask) {
  std::vector<int64_t> axes;
  if (e.has_input(1)) {
    auto list = e.known_ints(1);
    if (!list) return false;
    axes = std::move(*list);
  } else {
    const auto given = e.attributes().get_ints("axes");
    axes.assign(given.begin(), given.end());
  }
  mask = 0;
  for (int64_t axis : axes) {
    const auto normal = normalize_axis(axis, rank);
    if (!normal) return false;
    mask |= 1u << *normal;
  }
  if (!axes.empty()) return true;
  if (e.attributes().get_int("noop_with_empty_axes", 0) != 0) return false;
  mask = (1u << rank) - 1;
  return true;
}

// Variant: the reduction, from bit 8 on the rank of what is kept, from bit 12 on of what is not.
bool emit_reduction(Emitter& e, std::string_view type, uint32_t mask) {
  const Shape& x = e.input(0).shape;
  const auto* const entry = std::find(std::begin(kReductions), std::end(kReductions), type);
  if (entry == std::end(kReductions)) return false;
  const auto strides = ops::dense_strides(x);
  StridedDims<1> kept, reduced;
  int64_t count = 1;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const bool reduces = mask >> axis & 1;
    (reduces ? reduced : kept).add(x[axis], {strides[static_cast<size_t>(axis)]});
    if (reduces) count *= x[axis];
  }
  if (count == 0) return false;
  const auto kept_rank = static_cast<uint32_t>(kept.rank());
  GpuStep& step = e.add(GpuKernel::kReduce, e.output(0).elements(),
                        static_cast<uint32_t>(entry - kReductions) | kept_rank << 8 |
                            static_cast<uint32_t>(reduced.rank()) << 12);
  e.operand(step, 0, 0);
  step.params[5] = word(count);
  kept.write(step);
  reduced.write(step, 6 + 2 * kept_rank);
  return true;
}

}  // namespace

bool lower_global_pool(Emitter& e) {
  if (!e.all_float() || e.input(0).shape.rank() < 3) return false;
  const uint32_t all = (1u << e.input(0).shape.rank()) - 1;
  return emit_reduction(e, e.type() == "GlobalMaxPool" ? "ReduceMax" : "ReduceMean", all & ~3u);
}

bool lower_reduce(Emitter& e) {
  uint32_t mask = 0;
  if (e.input(0).dtype != DType::kFloat32) return false;
  return reduced_axes(e, e.input(0).shape.rank(), mask) && emit_reduction(e, e.type(), mask);
}

// Variant 1: the logarithm.
bool lower_softmax(Emitter& e) {
  if (!e.all_float()) return false;
  const Shape& x = e.input(0).shape;
  const bool flat = e.opset() < 13;
  const int64_t given = e.attributes().get_int("axis", flat ? 1 : -1);
  const int rank = x.rank();
  const int64_t axis = given < 0 ? given + rank : given;
  if (rank == 0 || axis < 0 || axis > rank || (axis == rank && !flat)) return false;
  const int begin = static_cast<int>(axis);
  const int end = flat ? rank : begin + 1;
  const int64_t count = x.product(begin, end), inner = x.product(end, rank);
  GpuStep& step =
      e.add(GpuKernel::kSoftmax, x.product(0, begin) * inner, e.type() == "LogSoftmax" ? 1 : 0);
  e.operand(step, 0, 0);
  step.params[5] = word(count);
  step.params[6] = word(inner);
  return true;
}

}  // namespace sardonyx::gpu
