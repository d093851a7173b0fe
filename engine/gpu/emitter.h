// What the lowering of one node to WebGPU sees, and the steps it makes.
#pragma once

#include <bit>
#include <functional>
#include <span>

#include "engine/gpu/plan.h"
#include "ops/operator.h"

namespace sardonyx::gpu {

struct Place {
  uint32_t offset = 0;  // words
  bool weights = false;
};

class Emitter {
 public:
  using Locate = std::function<Place(StorageId, const TensorView&)>;

  Emitter(const Node& node, std::span<const TensorView> inputs, std::span<const TensorView> outputs,
          std::span<const StorageId> storages, std::span<const Storage> storage_table,
          Locate locate)
      : node_(node),
        inputs_(inputs),
        outputs_(outputs),
        storages_(storages),
        table_(storage_table),
        locate_(std::move(locate)) {}

  const Attributes& attributes() const { return node_.attributes; }
  std::string_view type() const { return node_.type; }
  int opset() const { return node_.opset; }
  size_t inputs() const { return inputs_.size(); }
  size_t outputs() const { return outputs_.size(); }
  bool has_input(size_t i) const { return i < inputs_.size() && inputs_[i].present(); }
  bool has_output(size_t i) const { return i < outputs_.size() && outputs_[i].present(); }
  const TensorView& input(size_t i) const { return inputs_[i]; }
  const TensorView& output(size_t i) const { return outputs_[i]; }
  // Contents that are known before the run; null when they are not.
  const TensorView* known(size_t i) const {
    if (!has_input(i) || storages_[i] == kNoStorage) return nullptr;
    return table_[storages_[i]].home == Home::kFixed && inputs_[i].data ? &inputs_[i] : nullptr;
  }
  bool all_float() const {
    for (const TensorView& view : inputs_) {
      if (view.present() && view.dtype != DType::kFloat32) return false;
    }
    for (const TensorView& view : outputs_) {
      if (view.present() && view.dtype != DType::kFloat32) return false;
    }
    return true;
  }

  // A step whose result is output `to`, `skip` words behind its start.
  GpuStep& add(GpuKernel kernel, int64_t count, uint32_t variant, size_t to = 0, int64_t skip = 0) {
    GpuStep step;
    step.kernel = kernel;
    step.variant = variant;
    step.count = static_cast<uint32_t>(count);
    const Place place = locate_(storages_[inputs_.size() + to], outputs_[to]);
    step.params[4] = place.offset + static_cast<uint32_t>(skip);
    steps_.push_back(step);
    return steps_.back();
  }
  // Makes input `from` operand `i` of a step.
  void operand(GpuStep& step, uint32_t i, size_t from, int64_t skip = 0) {
    const Place place = locate_(storages_[from], inputs_[from]);
    step.params[i] = place.offset + static_cast<uint32_t>(skip);
    if (place.weights) step.homes |= 1u << i;
  }

  std::vector<GpuStep>& steps() { return steps_; }

 private:
  const Node& node_;
  std::span<const TensorView> inputs_, outputs_;
  std::span<const StorageId> storages_;
  std::span<const Storage> table_;
  Locate locate_;
  std::vector<GpuStep> steps_;
};

inline uint32_t bits(float value) {
  return std::bit_cast<uint32_t>(value);
}
inline uint32_t word(int64_t value) {
  return static_cast<uint32_t>(value);
}

// Emits the steps of the node; false when it has to run on the CPU. All sizes fit 32 bits.
bool lower_node(Emitter& emitter, std::string_view domain);

bool lower_conv(Emitter& emitter);
bool lower_pool(Emitter& emitter);
bool lower_global_pool(Emitter& emitter);
bool lower_enlarge(Emitter& emitter);
bool lower_matmul(Emitter& emitter);
bool lower_gemm(Emitter& emitter);
bool lower_unary(Emitter& emitter);
bool lower_binary(Emitter& emitter);
bool lower_reduce(Emitter& emitter);
bool lower_softmax(Emitter& emitter);
bool lower_transpose(Emitter& emitter);
bool lower_slice(Emitter& emitter);
bool lower_concat(Emitter& emitter);
bool lower_split(Emitter& emitter);
bool lower_expand(Emitter& emitter);

}  // namespace sardonyx::gpu
