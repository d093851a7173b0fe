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

class Planner {
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

  gpu::Place locate(StorageId id, const TensorView& view) {
    const Storage& storage = segment_.storages[id];
    if (storage.home == Home::kArena) return {static_cast<uint32_t>(storage.offset / 4), false};
    if (storage.home == Home::kInput) return {out_.feeds[storage.offset].offset / 4, false};
    const auto weight = weights_.offsets.find(storage.fixed);
    if (weight != weights_.offsets.end()) return {weight->second / 4, true};
    const auto known = constants_.find(storage.fixed);
    if (known != constants_.end()) return {known->second / 4, false};
    const uint32_t offset = reserve(view.bytes());
    constants_[storage.fixed] = offset;
    out_.constants.push_back(
        {offset, whole_words(view.bytes()), reinterpret_cast<uintptr_t>(storage.fixed)});
    return {offset / 4, false};
  }

  void add(uint32_t index) {
    const BoundStep& bound = segment_.steps[index];
    const Node& node = *lowering_.steps[bound.step].node;
    const std::span views(segment_.views.data() + bound.first_view,
                          size_t{bound.inputs} + bound.outputs);
    const std::span storages(segment_.view_storage.data() + bound.first_view, views.size());
    gpu::Emitter emitter(node, views.first(bound.inputs), views.subspan(bound.inputs), storages,
                         segment_.storages,
                         [this](StorageId id, const TensorView& view) { return locate(id, view); });
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
  std::map<const void*, uint32_t> constants_;
  std::vector<bool> on_cpu_;  // by storage: the contents are in this process's arena too
  std::vector<StorageId> uploads_;
  bool open_ = false;  // the last hand-over may get more steps
  bool too_large_ = false;
};

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
    if (!view.data || view.bytes() == 0) continue;
    if (view.bytes() > kMaxBytes - weights.bytes) return too_large();
    const auto offset = static_cast<uint32_t>(weights.bytes);
    if (!weights.offsets.emplace(view.data, offset).second) continue;
    weights.copies.push_back(
        {offset, whole_words(view.bytes()), reinterpret_cast<uintptr_t>(view.data)});
    weights.bytes = round_up(weights.bytes + view.bytes(), kAlignment);
  }
  return weights;
}

Result<GpuPlan> plan_gpu(const Lowering& lowering, const Segment& segment, const SlotTable& slots,
                         const GpuWeights& weights) {
  return Planner(lowering, segment, slots, weights).run();
}

}  // namespace sardonyx
