// Elementwise operators on float32 for WebGPU.
#include <limits>

#include "engine/gpu/broadcast_dims.h"
#include "simd/activation.h"

namespace sardonyx::gpu {
namespace {

using Kind = simd::ActivationKind;

// Numbers from 32 on are functions that are no activation; webgpu/functions.ts has the same.
constexpr uint32_t kFunctions = 32;

struct UnaryEntry {
  std::string_view type;
  uint32_t variant;
  float a = 0, b = 0;                              // defaults of the parameters
  const char *a_name = "alpha", *b_name = "beta";  // their attributes
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
    {"Round", kFunctions + 8},
    {"Sign", kFunctions + 9},
    {"Erf", kFunctions + 10},
    {"Gelu", kFunctions + 11},
    {"Elu", kFunctions + 13, 1.0f},
    {"Selu", kFunctions + 14, 1.6732632f, 1.0507010f, "alpha", "gamma"},
    {"Celu", kFunctions + 15, 1.0f},
    {"ThresholdedRelu", kFunctions + 16, 1.0f},
    {"Softplus", kFunctions + 17},
    {"Softsign", kFunctions + 18},
    {"Mish", kFunctions + 19},
    {"Swish", kFunctions + 20, 1.0f},
    {"Sin", kFunctions + 21},
    {"Cos", kFunctions + 22},
};
constexpr uint32_t kGeluTanh = kFunctions + 12;

constexpr std::string_view kBinary[] = {"Add", "Sub", "Mul", "Div", "Min", "Max", "PRelu", "Pow"};

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

}  // namespace

bool lower_unary(Emitter& e) {
  if (e.input(0).dtype != DType::kFloat32) return false;
  const UnaryEntry* entry = nullptr;
  for (const UnaryEntry& candidate : kUnary) {
    if (candidate.type == e.type()) entry = &candidate;
  }
  if (!entry) return false;
  float a = e.attributes().get_float(entry->a_name, entry->a);
  float b = e.attributes().get_float(entry->b_name, entry->b);
  if (e.type() == "Clip" && !clip_bounds(e, a, b)) return false;
  const bool tanh_form = e.attributes().get_string("approximate", "none") == "tanh";
  const uint32_t variant = e.type() == "Gelu" && tanh_form ? kGeluTanh : entry->variant;
  GpuStep& step = e.add(GpuKernel::kUnary, e.output(0).elements(), variant);
  e.operand(step, 0, 0);
  step.params[5] = bits(a);
  step.params[6] = bits(b);
  return true;
}

// Variant: the operation, and from bit 8 on the rank. Min, Max and Sum of more than two operands
// are added up in the output.
bool lower_binary(Emitter& e) {
  if (!e.all_float() || e.inputs() < 2) return false;
  const std::string_view type = e.type() == "Sum" ? "Add" : e.type();
  uint32_t op = 0;
  while (op < std::size(kBinary) && kBinary[op] != type) ++op;
  if (op == std::size(kBinary)) return false;
  const Shape& y = e.output(0).shape;
  for (size_t i = 1; i < e.inputs(); ++i) {
    const Shape& first = i == 1 ? e.input(0).shape : y;
    const auto dims = broadcast_dims<2>(y, {&first, &e.input(i).shape});
    if (dims.rank() > kMaxStridedDims) return false;
    GpuStep& step = e.add(GpuKernel::kBinary, y.product(0, y.rank()),
                          op | static_cast<uint32_t>(dims.rank()) << 8);
    if (i == 1) {
      e.operand(step, 0, 0);
    } else {
      e.output_operand(step, 0, 0);
    }
    e.operand(step, 1, i);
    dims.write(step);
  }
  return true;
}

}  // namespace sardonyx::gpu
