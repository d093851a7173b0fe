// Elementwise operators, reductions and softmax for WebGPU.
#include <limits>

#include "engine/gpu/emitter.h"
#include "engine/gpu/strided_dims.h"
#include "ops/strided.h"
#include "simd/activation.h"

namespace sardonyx::gpu {
namespace {

using Kind = simd::ActivationKind;

// Numbers from 32 on are functions that are no activation; webgpu/functions.ts has the same.
constexpr uint32_t kFunctions = 32;

struct UnaryEntry {
  std::string_view type;
  uint32_t variant;
  float a = 0, b = 0;  // defaults of alpha and beta
};
constexpr UnaryEntry kUnary[] = {
    {"Relu", static_cast<uint32_t>(Kind::kRelu)},
    {"Clip", static_cast<uint32_t>(Kind::kClip)},
    {"LeakyRelu", static_cast<uint32_t>(Kind::kLeakyRelu), 0.01f},
    {"Sigmoid", static_cast<uint32_t>(Kind::kSigmoid)},
    {"Tanh", static_cast<uint32_t>(Kind::kTanh)},
    {"HardSigmoid", static_cast<uint32_t>(Kind::kHardSigmoid), 0.2f, 0.5f},
    {"HardSwish", static_cast<uint32_t>(Kind::kHardSwish)},
    {"Silu", static_cast<uint32_t>(Kind::kSilu)},
    {"Exp", kFunctions},
    {"Log", kFunctions + 1},
    {"Sqrt", kFunctions + 2},
    {"Neg", kFunctions + 3},
    {"Abs", kFunctions + 4},
    {"Reciprocal", kFunctions + 5},
    {"Floor", kFunctions + 6},
    {"Ceil", kFunctions + 7},
};

constexpr std::string_view kBinary[] = {"Add", "Sub", "Mul", "Div", "Min", "Max", "PRelu"};

bool clip_bounds(const Emitter& e, float& low, float& high) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  low = e.attributes().get_float("min", -kLargest);
  high = e.attributes().get_float("max", kLargest);
  if (e.opset() < 11) return true;
  low = -std::numeric_limits<float>::infinity();
  high = std::numeric_limits<float>::infinity();
  for (size_t i : {size_t{1}, size_t{2}}) {
    if (!e.has_input(i)) continue;
    const TensorView* bound = e.known(i);
    if (!bound || bound->elements() != 1) return false;
    (i == 1 ? low : high) = *bound->as<float>();
  }
  return true;
}

// Which axes are reduced, as a bit mask.
bool reduced_axes(const Emitter& e, int rank, uint32_t& mask) {
  std::vector<int64_t> axes;
  if (e.has_input(1)) {
    const TensorView* list = e.known(1);
    if (!list || list->dtype != DType::kInt64) return false;
    axes.assign(list->as<int64_t>(), list->as<int64_t>() + list->elements());
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

// [outer, count, inner] of `kernel`'s single operand.
GpuStep& emit_rows(Emitter& e, GpuKernel kernel, uint32_t variant, int64_t outer, int64_t count,
                   int64_t inner) {
  GpuStep& step = e.add(kernel, outer * inner, variant);
  e.operand(step, 0, 0);
  step.params[5] = word(count);
  step.params[6] = word(inner);
  return step;
}

enum Reduction : uint32_t { kSum, kMean, kMax, kMin };

}  // namespace

bool lower_unary(Emitter& e) {
  if (e.input(0).dtype != DType::kFloat32) return false;
  const UnaryEntry* entry = nullptr;
  for (const UnaryEntry& candidate : kUnary) {
    if (candidate.type == e.type()) entry = &candidate;
  }
  if (!entry) return false;
  float a = e.attributes().get_float("alpha", entry->a);
  float b = e.attributes().get_float("beta", entry->b);
  if (e.type() == "Clip" && !clip_bounds(e, a, b)) return false;
  GpuStep& step = e.add(GpuKernel::kUnary, e.output(0).elements(), entry->variant);
  e.operand(step, 0, 0);
  step.params[5] = bits(a);
  step.params[6] = bits(b);
  return true;
}

bool lower_binary(Emitter& e) {
  if (!e.all_float() || e.inputs() != 2) return false;
  uint32_t op = 0;
  while (op < std::size(kBinary) && kBinary[op] != e.type()) ++op;
  if (op == std::size(kBinary)) return false;
  const Shape& y = e.output(0).shape;
  StridedDims<2> dims;
  std::array<std::array<int64_t, kMaxRank>, 2> strides;
  for (size_t i = 0; i < 2; ++i) strides[i] = ops::dense_strides(e.input(i).shape);
  for (int axis = 0; axis < y.rank(); ++axis) {
    std::array<int64_t, 2> step{};
    for (size_t i = 0; i < 2; ++i) {
      const Shape& shape = e.input(i).shape;
      const int at = axis - (y.rank() - shape.rank());
      step[i] = at < 0 || shape[at] == 1 ? 0 : strides[i][static_cast<size_t>(at)];
    }
    dims.add(y[axis], step);
  }
  if (dims.rank() > kMaxStridedDims) return false;
  GpuStep& step = e.add(GpuKernel::kBinary, y.product(0, y.rank()),
                        op | static_cast<uint32_t>(dims.rank()) << 8);
  e.operand(step, 0, 0);
  e.operand(step, 1, 1);
  dims.write(step);
  return true;
}

bool lower_global_pool(Emitter& e) {
  if (!e.all_float()) return false;
  const Shape& x = e.input(0).shape;
  emit_rows(e, GpuKernel::kReduce, e.type() == "GlobalMaxPool" ? kMax : kMean, x[0] * x[1],
            x.product(2, x.rank()), 1);
  return true;
}

bool lower_reduce(Emitter& e) {
  if (e.input(0).dtype != DType::kFloat32) return false;
  const Shape& x = e.input(0).shape;
  uint32_t mask = 0;
  if (!reduced_axes(e, x.rank(), mask) || mask == 0) return false;
  const int first = std::countr_zero(mask);
  const int end = 32 - std::countl_zero(mask);
  for (int axis = first; axis < end; ++axis) {
    if (!(mask >> axis & 1) && x[axis] != 1) return false;
  }
  uint32_t kind = kSum;
  if (e.type() == "ReduceMean") kind = kMean;
  if (e.type() == "ReduceMax") kind = kMax;
  if (e.type() == "ReduceMin") kind = kMin;
  if (x.product(first, end) == 0) return false;
  emit_rows(e, GpuKernel::kReduce, kind, x.product(0, first), x.product(first, end),
            x.product(end, x.rank()));
  return true;
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
  emit_rows(e, GpuKernel::kSoftmax, e.type() == "LogSoftmax" ? 1 : 0, x.product(0, begin),
            x.product(begin, end), x.product(end, rank));
  return true;
}

}  // namespace sardonyx::gpu
