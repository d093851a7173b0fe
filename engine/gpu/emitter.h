// What the lowering of one node to WebGPU sees, and the steps it makes.
#pragma once

#include <bit>
#include <functional>
#include <optional>
#include <span>

#include "engine/gpu/plan.h"
#include "ops/operator.h"

namespace sardonyx::gpu {

// Where an array is, in elements as they are stored: words, or halves of words.
struct Place {
  uint32_t offset = 0;
  bool weights = false;  // in the weights buffer
  bool half = false;     // float32 elements stored as float16
};

// Where arrays are, or get a place.
class Placement {
 public:
  virtual ~Placement() = default;
  virtual Place locate(StorageId id, const TensorView& view) = 0;
  // Words that are written once, for a step of this binding.
  virtual Place table(std::span<const uint32_t> words) = 0;
};

class Emitter {
 public:
  Emitter(const Node& node, std::span<const TensorView> inputs, std::span<const TensorView> outputs,
          std::span<const StorageId> storages, std::span<const Storage> storage_table,
          Placement& placement)
      : node_(node),
        inputs_(inputs),
        outputs_(outputs),
        storages_(storages),
        table_(storage_table),
        placement_(placement) {}

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
  // The integers of a known input of rank 1; nullopt when they are not known.
  std::optional<std::vector<int64_t>> known_ints(size_t i) const;
  bool all_float() const;

  // A step whose result is output `to`, `skip` elements behind its start.
  GpuStep& add(GpuKernel kernel, int64_t count, uint32_t variant, size_t to = 0, int64_t skip = 0);
  // Makes input `from` operand `i` of a step.
  void operand(GpuStep& step, uint32_t i, size_t from, int64_t skip = 0) {
    set_operand(step, i, placement_.locate(storages_[from], inputs_[from]), skip);
  }
  // Makes output `from`, as earlier steps have left it, operand `i` of a step.
  void output_operand(GpuStep& step, uint32_t i, size_t from) {
    set_operand(step, i, placement_.locate(storages_[inputs_.size() + from], outputs_[from]), 0);
  }
  // Makes a table of this node's own operand `i` of a step.
  void table_operand(GpuStep& step, uint32_t i, std::span<const uint32_t> words) {
    set_operand(step, i, placement_.table(words), 0);
  }

  std::vector<GpuStep>& steps() { return steps_; }

 private:
  static void set_operand(GpuStep& step, uint32_t i, Place place, int64_t skip) {
    step.params[i] = place.offset + static_cast<uint32_t>(skip);
    if (place.weights) step.homes |= kGpuWeights << i;
    if (place.half) step.homes |= kGpuHalf << i;
  }

  const Node& node_;
  std::span<const TensorView> inputs_, outputs_;
  std::span<const StorageId> storages_;
  std::span<const Storage> table_;
  Placement& placement_;
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
bool lower_conv_transpose(Emitter& emitter);
bool lower_pool(Emitter& emitter);
bool lower_global_pool(Emitter& emitter);
bool lower_resize(Emitter& emitter);
bool lower_matmul(Emitter& emitter);
bool lower_fused_matmul(Emitter& emitter);
bool lower_gemm(Emitter& emitter);
bool lower_unary(Emitter& emitter);
bool lower_binary(Emitter& emitter);
bool lower_compare(Emitter& emitter);
bool lower_where(Emitter& emitter);
bool lower_cast(Emitter& emitter);
bool lower_reduce(Emitter& emitter);
bool lower_softmax(Emitter& emitter);
bool lower_normalize(Emitter& emitter);
bool lower_batch_norm(Emitter& emitter);
bool lower_transpose(Emitter& emitter);
bool lower_slice(Emitter& emitter);
bool lower_concat(Emitter& emitter);
bool lower_split(Emitter& emitter);
bool lower_expand(Emitter& emitter);
bool lower_tile(Emitter& emitter);
bool lower_pad(Emitter& emitter);
bool lower_gather(Emitter& emitter);

}  // namespace sardonyx::gpu
