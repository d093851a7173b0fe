// Normalizations for WebGPU.
#include <cmath>

#include "engine/gpu/emitter.h"

namespace sardonyx::gpu {
namespace {

constexpr uint32_t kCentered = 1, kBias = 2, kOneScale = 4, kOneBias = 8;

}  // namespace

bool lower_normalize(Emitter& e) {
  if (!e.all_float() || e.has_output(1) || e.has_output(2)) return false;
  const Shape& x = e.input(0).shape;
  const auto axis = normalize_axis(e.attributes().get_int("axis", -1), x.rank());
  if (!axis) return false;
  uint32_t variant = e.type() == "LayerNormalization" ? kCentered : 0;
  if (e.input(1).elements() == 1) variant |= kOneScale;
  if (e.has_input(2)) variant |= kBias | (e.input(2).elements() == 1 ? kOneBias : 0);
  GpuStep& step = e.add(GpuKernel::kNormalize, x.product(0, *axis), variant);
  for (uint32_t i = 0; i < 3; ++i) {
    if (e.has_input(i)) e.operand(step, i, i);
  }
  step.params[5] = word(x.product(*axis, x.rank()));
  step.params[6] = bits(e.attributes().get_float("epsilon", 1e-5f));
  return true;
}

// BatchNormalization with known parameters: a factor and an addend per channel.
bool lower_batch_norm(Emitter& e) {
  if (!e.all_float() || e.input(0).shape.rank() < 2) return false;
  const float* parameters[5] = {};  // scale, bias, mean, variance from 1 on
  for (size_t i = 1; i < 5; ++i) {
    if (!e.known(i)) return false;
    parameters[i] = e.known(i)->as<float>();
  }
  const Shape& x = e.input(0).shape;
  const float epsilon = e.attributes().get_float("epsilon", 1e-5f);
  std::vector<uint32_t> table;
  for (int64_t c = 0; c < x[1]; ++c) {
    const float scale = parameters[1][c] / std::sqrt(parameters[4][c] + epsilon);
    table.push_back(bits(scale));
    table.push_back(bits(parameters[2][c] - parameters[3][c] * scale));
  }
  GpuStep& step = e.add(GpuKernel::kAffine, e.output(0).elements(), 0);
  e.operand(step, 0, 0);
  e.table_operand(step, 1, table);
  step.params[5] = word(x.product(2, x.rank()));
  step.params[6] = word(x[1]);
  return true;
}

}  // namespace sardonyx::gpu
