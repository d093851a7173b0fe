#include "engine/gpu/plan.h"

#include <algorithm>
#include <atomic>

#include "base/checked.h"
#include "engine/gpu/emitter.h"

namespace sardonyx {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kMaxBytes = size_t{UINT32_MAX} - kAlignment;

Status too_large() {
  return error(ErrorCode::LIMIT_EXCEEDED, "the model needs more than 4 GiB of GPU memory");
}

uint32_t whole_words(size_t bytes) {
  return static_cast<uint32_t>(round_up<size_t>(bytes, 4));
}

class Planner final : public gpu::Placement {
 public:
  Planner(const Lowering& lowering, const Segment& segment, const SlotTable& slots,
          const GpuWeights& weights)
      : lowering_(lowering), segment_(segment), slots_(slots), weights_(weights) {}

  Result<GpuPlan> run() {
    static std::atomic<uint32_t> next_id{1};
    out_.id = next_id++;
    out_.arena_bytes = round_up(segment_.arena_bytes, kAlignment);
    place_feeds();
    on_cpu_.assign(segment_.storages.size(), false);
    for (uint32_t i = 0; i < segment_.steps.size(); ++i) add(i);
    end_hand_over();
    place_outputs();
    if (too_large_ || out_.arena_bytes > kMaxBytes) return too_large();
    return std::move(out_);
  }

 private:
  uint32_t reserve(size_t bytes) {
    const size_t offset = out_.arena_bytes;
    if (offset > kMaxBytes || bytes > kMaxBytes - offset) {
      too_large_ = true;
      return 0;
    }
    out_.arena_bytes = offset + round_up(bytes, kAlignment);
    return static_cast<uint32_t>(offset);
  }

  void place_feeds() {
    for (SlotId id : lowering_.inputs) {
      const TensorView& view = slots_[id].view;
      out_.feeds.push_back({reserve(view.bytes()), whole_words(view.bytes()), 0});
    }
  }

  gpu::Place locate(StorageId id, const TensorView& view) override {
    const Storage& storage = segment_.storages[id];
    if (storage.home == Home::kArena) return {static_cast<uint32_t>(storage.offset / 4)};
    if (storage.home == Home::kInput) return {out_.feeds[storage.offset].offset / 4};
    const auto weight = weights_.places.find(storage.fixed);
    if (weight != weights_.places.end()) {
      const auto [offset, half] = weight->second;
      return {offset / (half ? 2 : 4), true, half};
    }
    const auto known = constants_.find(storage.fixed);
    if (known != constants_.end()) return {known->second};
    return {constants_[storage.fixed] = add_constant(storage.fixed, view.bytes())};
  }

  gpu::Place table(std::span<const uint32_t> words) override {
    const auto& own = out_.tables.emplace_back(words.begin(), words.end());
    return {add_constant(own.data(), words.size_bytes())};
  }

  // Its offset in words.
  uint32_t add_constant(const void* data, size_t bytes) {
    const uint32_t offset = reserve(bytes);
    out_.constants.push_back({offset, whole_words(bytes), reinterpret_cast<uintptr_t>(data)});
    return offset / 4;
  }

  void add(uint32_t index) {
    const BoundStep& bound = segment_.steps[index];
    const Node& node = *lowering_.steps[bound.step].node;
    const std::span views(segment_.views.data() + bound.first_view,
                          size_t{bound.inputs} + bound.outputs);
    const std::span storages(segment_.view_storage.data() + bound.first_view, views.size());
    gpu::Emitter emitter(node, views.first(bound.inputs), views.subspan(bound.inputs), storages,
                         segment_.storages, *this);
    const bool row_major = std::all_of(views.begin(), views.end(), [](const TensorView& view) {
      return view.layout == Layout::kRowMajor;
    });
    if (!row_major || !gpu::lower_node(emitter, node.domain)) {
      hand_over(index, storages.first(bound.inputs), storages.subspan(bound.inputs));
      return;
    }
    end_hand_over();
    for (GpuStep& step : emitter.steps()) {
      step.step = index;
      const uint32_t groups = ceil_div(step.count, kGpuWorkgroup);
      step.groups[0] = std::min(groups, kMaxGpuGroups);
      step.groups[1] = ceil_div(groups, step.groups[0]);
      out_.steps.push_back(step);
    }
    for (StorageId id : storages.subspan(bound.inputs)) {
      if (id != kNoStorage) on_cpu_[id] = false;
    }
  }

  void hand_over(uint32_t index, std::span<const StorageId> inputs,
                 std::span<const StorageId> outputs) {
    if (!open_) {
      open_ = true;
      const auto first = static_cast<uint32_t>(out_.transfers.size());
      out_.hand_overs.push_back(
          {static_cast<uint32_t>(out_.steps.size()), index, index, 0, first, 0});
    }
    GpuHandOver& run = out_.hand_overs.back();
    run.end = index + 1;
    for (StorageId id : inputs) {
      if (id == kNoStorage || segment_.storages[id].home != Home::kArena || on_cpu_[id]) continue;
      on_cpu_[id] = true;
      out_.transfers.push_back(transfer(id));
      ++run.downloads;
    }
    for (StorageId id : outputs) {
      if (id == kNoStorage || segment_.storages[id].home != Home::kArena) continue;
      on_cpu_[id] = true;
      if (std::find(uploads_.begin(), uploads_.end(), id) == uploads_.end()) uploads_.push_back(id);
    }
  }

  void end_hand_over() {
    if (!open_) return;
    open_ = false;
    for (StorageId id : uploads_) out_.transfers.push_back(transfer(id));
    uploads_.clear();
    GpuHandOver& run = out_.hand_overs.back();
    run.transfers = static_cast<uint32_t>(out_.transfers.size()) - run.first_transfer;
  }

  GpuCopy transfer(StorageId id) const {
    const Storage& storage = segment_.storages[id];
    return {static_cast<uint32_t>(storage.offset), whole_words(storage.bytes), 0};
  }

  void place_outputs() {
    for (SlotId id : lowering_.outputs) {
      const BoundSlot& slot = slots_[id];
      const bool computed =
          slot.storage != kNoStorage && segment_.storages[slot.storage].home == Home::kArena;
      GpuCopy copy;
      if (computed) {
        copy.offset = static_cast<uint32_t>(segment_.storages[slot.storage].offset);
        copy.bytes = whole_words(slot.view.bytes());
      }
      out_.outputs.push_back(copy);
    }
  }

  const Lowering& lowering_;
  const Segment& segment_;
  const SlotTable& slots_;
  const GpuWeights& weights_;
  GpuPlan out_;
  std::map<const void*, uint32_t> constants_;  // offsets in words
  std::vector<bool> on_cpu_;  // by storage: the contents are in this process's arena too
  std::vector<StorageId> uploads_;
  bool open_ = false;  // the last hand-over may get more steps
  bool too_large_ = false;
};

// Fewer numbers are not worth a shader of their own.
constexpr int64_t kMinHalves = 256;

// Whether float16 has the number. A GPU may take its subnormal ones, below 6.1e-5, for zero.
bool is_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const float size = std::bit_cast<float>(bits & 0x7fffffff);
  if (!(size < 0x1p-14f)) return (bits & 0x1fff) == 0 && size <= 65504.0f;
  const float steps = size * 0x1p24f;
  return steps == static_cast<float>(static_cast<int32_t>(steps));
}

bool are_halves(const TensorView& view) {
  if (view.dtype != DType::kFloat32 || view.elements() < kMinHalves) return false;
  return std::all_of(view.as<float>(), view.as<float>() + view.elements(), is_half);
}

}  // namespace

const char* gpu_kernel_name(GpuKernel kernel) {
  switch (kernel) {
#define SX_GPU_KERNEL(symbol, name) \
  case GpuKernel::symbol:           \
    return #name;
#include "engine/gpu/kernels.def"
#undef SX_GPU_KERNEL
  }
  return "";
}

Result<GpuWeights> place_gpu_weights(const Lowering& lowering) {
  GpuWeights weights;
  for (const Slot& slot : lowering.slots) {
    if (!slot.constant || slot.layout != Layout::kRowMajor) continue;
    const TensorView view = slot.constant->view();
    if (!view.data || view.bytes() == 0 || weights.places.contains(view.data)) continue;
    if (view.bytes() > kMaxBytes - weights.bytes) return too_large();
    const auto offset = static_cast<uint32_t>(weights.bytes);
    const bool half = are_halves(view);
    weights.places[view.data] = {offset, half};
    (half ? weights.halves : weights.copies)
        .push_back({offset, whole_words(view.bytes()), reinterpret_cast<uintptr_t>(view.data)});
    weights.bytes = round_up(weights.bytes + view.bytes() / (half ? 2 : 1), kAlignment);
  }
  return weights;
}

Result<GpuPlan> plan_gpu(const Lowering& lowering, const Segment& segment, const SlotTable& slots,
                         const GpuWeights& weights) {
  return Planner(lowering, segment, slots, weights).run();
}

}  // namespace sardonyx
