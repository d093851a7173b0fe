#include "engine/gpu/emitter.h"

#include <algorithm>

namespace sardonyx::gpu {

std::optional<std::vector<int64_t>> Emitter::known_ints(size_t i) const {
  const TensorView* list = known(i);
  if (!list || list->shape.rank() > 1) return std::nullopt;
  const auto count = list->elements();
  if (list->dtype == DType::kInt64) {
    return std::vector<int64_t>(list->as<int64_t>(), list->as<int64_t>() + count);
  }
  if (list->dtype != DType::kInt32) return std::nullopt;
  return std::vector<int64_t>(list->as<int32_t>(), list->as<int32_t>() + count);
}

bool Emitter::all_float() const {
  const auto is_float = [](const TensorView& view) {
    return !view.present() || view.dtype == DType::kFloat32;
  };
  return std::all_of(inputs_.begin(), inputs_.end(), is_float) &&
         std::all_of(outputs_.begin(), outputs_.end(), is_float);
}

GpuStep& Emitter::add(GpuKernel kernel, int64_t count, uint32_t variant, size_t to, int64_t skip) {
  GpuStep step;
  step.kernel = kernel;
  step.variant = variant;
  step.count = static_cast<uint32_t>(count);
  const Place place = placement_.locate(storages_[inputs_.size() + to], outputs_[to]);
  step.params[4] = place.offset + static_cast<uint32_t>(skip);
  steps_.push_back(step);
  return steps_.back();
}

}  // namespace sardonyx::gpu
