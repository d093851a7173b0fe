#include "engine/binding.h"

#include <algorithm>

#include "base/checked.h"
#include "engine/infer.h"
#include "engine/memory_plan.h"

namespace sardonyx {
namespace {

// Values of at most this many elements are computed while binding when everything they depend on
// is known: shape arithmetic and what follows from it.
constexpr int64_t kMaxFoldedElements = 4096;

class Binder {
 public:
  Binder(const Lowering& lowering, SlotTable& slots, uint32_t begin,
         std::span<void* const> addresses)
      : lowering_(lowering), slots_(slots), addresses_(addresses) {
    out_.begin = begin;
  }

  Result<Segment> run() {
    for (BoundSlot& slot : slots_) slot.storage = kNoStorage;
    const bool may_be_empty = addresses_.empty();  // when a model starts with a wait
    const auto count = static_cast<uint32_t>(lowering_.steps.size());
    for (index_ = out_.begin; index_ < count; ++index_) {
      bool waits = false;
      Status status = bind_step(waits);
      const Node& node = *lowering_.steps[index_].node;
      if (!status.ok()) return std::move(status).at_node(node.name, node.type);
      if (waits) break;
      if (!out_.ends_with_call) continue;
      ++index_;
      break;
    }
    out_.end = index_;
    if (out_.end == out_.begin && out_.end < count && !may_be_empty) {
      const Node& node = *lowering_.steps[index_].node;
      return error(ErrorCode::INTERNAL, "%s left its output shapes unknown", node.label().c_str())
          .at_node(node.name, node.type);
    }
    SX_TRY(place());
    return std::move(out_);
  }

 private:
  const Step& step() const { return lowering_.steps[index_]; }

  Status bind_step(bool& waits) {
    if (!step().bodies.empty()) {
      emit_call();
      return {};
    }
    collect_facts(false);
    SX_TRY(run_shape_rule(*step().node, facts_, outputs_));
    if (!outputs_known()) {
      collect_facts(true);
      SX_TRY(run_shape_rule(*step().node, facts_, outputs_));
      waits = !outputs_known();
      if (waits) return {};
      out_.reads_contents = true;
    }
    if (step().node->op->flags & kAlias && alias()) return {};
    if (foldable()) return fold();
    return emit();
  }

  bool outputs_known() const {
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (step().outputs[i] != kNoSlot && !outputs_[i].is_static()) return false;
    }
    return true;
  }

  // `read_contents`: also of what earlier segments have made.
  void collect_facts(bool read_contents) {
    facts_.clear();
    views_.assign(step().inputs.size(), {});
    for (SlotId id : step().inputs) {
      if (id == kNoSlot) {
        facts_.push_back({});
        continue;
      }
      const BoundSlot& slot = slots_[id];
      ValueFacts facts{slot.view.dtype, true, slot.view.shape, nullptr, slot.view.kind};
      TensorView& view = views_[facts_.size()];
      view = slot.view;
      if (!slot.contents_known) view.data = read_contents ? address_of(id) : nullptr;
      if (view.data) facts.value = &view;
      facts_.push_back(facts);
    }
    outputs_.assign(step().outputs.size(), {});
  }

  void* address_of(SlotId id) const { return addresses_.empty() ? nullptr : addresses_[id]; }

  // The output shares the storage of input 0.
  bool alias() {
    const SlotId from = step().inputs[0];
    const SlotId to = step().outputs[0];
    if (from == kNoSlot || to == kNoSlot || outputs_[0].dtype != slots_[from].view.dtype ||
        outputs_[0].kind != slots_[from].view.kind) {
      return false;
    }
    for (size_t i = 1; i < step().outputs.size(); ++i) {
      if (step().outputs[i] != kNoSlot) return false;
    }
    BoundSlot& slot = slots_[to];
    slot = slots_[from];
    slot.view.shape = outputs_[0].shape;
    slot.storage = storage_of(from);
    Storage& storage = out_.storages[slot.storage];
    storage.last_use = std::max(storage.last_use, lowering_.slots[to].last_use);
    return true;
  }

  bool foldable() const {
    if (step().node->op->flags & kNonDeterministic) return false;
    if (!(step().node->op->flags & kShapeOnly)) {
      for (SlotId id : step().inputs) {
        if (id != kNoSlot && !slots_[id].contents_known) return false;
      }
    }
    return std::all_of(outputs_.begin(), outputs_.end(), [](const ValueFacts& output) {
      return !output.present() ||
             (!needs_heap(output.kind, output.dtype) &&
              output.shape.elements().value_or(INT64_MAX) <= kMaxFoldedElements);
    });
  }

  Status fold() {
    std::vector<TensorView> inputs, outputs;
    for (SlotId id : step().inputs)
      inputs.push_back(id == kNoSlot ? TensorView() : slots_[id].view);
    for (size_t i = 0; i < step().outputs.size(); ++i) {
      TensorView view = output_view(i);
      if (view.present()) {
        SX_ASSIGN(Block block, Block::allocate(view.bytes()));
        view.data = block.data();
        out_.folded.push_back(std::move(block));
      }
      outputs.push_back(view);
    }
    BindContext bind{inputs, outputs, 0, nullptr};
    SX_TRY(step().kernel->bind(bind));
    Block scratch;
    if (bind.scratch_bytes > 0) {
      SX_ASSIGN(scratch, Block::allocate(bind.scratch_bytes));
    }
    SX_TRY(step().kernel->run({inputs, outputs, scratch.data(), bind.plan.get()}));
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (step().outputs[i] == kNoSlot) continue;
      slots_[step().outputs[i]] = {outputs[i], true, true, kNoStorage};
    }
    return {};
  }

  TensorView output_view(size_t i) const {
    const SlotId id = step().outputs[i];
    if (id == kNoSlot) return {};
    return {outputs_[i].dtype, lowering_.slots[id].layout, outputs_[i].shape, nullptr,
            outputs_[i].kind};
  }

  Status emit() {
    BoundStep bound;
    bound.step = index_;
    bound.first_view = static_cast<uint32_t>(out_.views.size());
    bound.inputs = static_cast<uint16_t>(step().inputs.size());
    bound.outputs = static_cast<uint16_t>(step().outputs.size());
    for (SlotId id : step().inputs) add_input_view(id);
    for (size_t i = 0; i < step().outputs.size(); ++i) {
      const TensorView view = output_view(i);
      add_view(view, view.present() ? place_output(i, view) : kNoStorage);
      bound.output_bytes += view.bytes();
    }
    const std::span<TensorView> views(out_.views.data() + bound.first_view,
                                      out_.views.size() - bound.first_view);
    BindContext bind{views.first(bound.inputs), views.subspan(bound.inputs), 0, nullptr};
    SX_TRY(step().kernel->bind(bind));
    bound.plan = std::move(bind.plan);
    if (bind.scratch_bytes > 0) {
      bound.scratch = add_storage({Home::kArena, 0, nullptr, bind.scratch_bytes, index_ + 1});
    }
    if (bound.output_bytes > 0) out_.steps.push_back(std::move(bound));
    return {};
  }

  // The views of the outputs are set when the bodies have run, their slots after the segment.
  void emit_call() {
    BoundStep bound;
    bound.step = index_;
    bound.first_view = static_cast<uint32_t>(out_.views.size());
    bound.inputs = static_cast<uint16_t>(step().inputs.size());
    bound.outputs = static_cast<uint16_t>(step().outputs.size());
    for (SlotId id : step().inputs) add_input_view(id);
    for (size_t i = 0; i < step().outputs.size(); ++i) add_view({}, kNoStorage);
    out_.steps.push_back(std::move(bound));
    out_.ends_with_call = true;
  }

  StorageId place_output(size_t i, const TensorView& view) {
    const SlotId id = step().outputs[i];
    const uint32_t last_use = std::max(lowering_.slots[id].last_use, index_ + 1);
    StorageId storage = i == 0 ? reusable_input(view) : kNoStorage;
    if (storage == kNoStorage) {
      storage = add_storage({Home::kArena, 0, nullptr, view.bytes(), last_use});
    } else {
      out_.storages[storage].last_use = last_use;
    }
    slots_[id] = {view, true, false, storage};
    return storage;
  }

  // Input 0's storage, when the output may be written over it.
  StorageId reusable_input(const TensorView& view) {
    if (!(step().node->op->flags & kInPlace) || step().inputs.empty() ||
        step().inputs[0] == kNoSlot) {
      return kNoStorage;
    }
    const BoundSlot& input = slots_[step().inputs[0]];
    const StorageId storage = input.storage;
    if (storage == kNoStorage || out_.storages[storage].home != Home::kArena ||
        out_.storages[storage].last_use > index_ + 1 || input.view.dtype != view.dtype ||
        input.view.kind != view.kind || input.view.layout != view.layout ||
        !(input.view.shape == view.shape)) {
      return kNoStorage;
    }
    for (size_t i = 1; i < step().inputs.size(); ++i) {
      if (step().inputs[i] == kNoSlot) continue;
      const BoundSlot& other = slots_[step().inputs[i]];
      if (other.storage == storage && !(other.view.shape == view.shape)) return kNoStorage;
    }
    return storage;
  }

  void add_input_view(SlotId id) {
    add_view(id == kNoSlot ? TensorView() : slots_[id].view,
             id == kNoSlot ? kNoStorage : storage_of(id));
  }

  void add_view(const TensorView& view, StorageId storage) {
    out_.views.push_back(view);
    out_.view_storage.push_back(storage);
  }

  StorageId add_storage(Storage storage) {
    out_.storages.push_back(storage);
    first_use_.push_back(index_);
    return static_cast<StorageId>(out_.storages.size() - 1);
  }

  StorageId storage_of(SlotId id) {
    BoundSlot& slot = slots_[id];
    if (slot.storage != kNoStorage) return slot.storage;
    const auto input = std::find(lowering_.inputs.begin(), lowering_.inputs.end(), id);
    if (input != lowering_.inputs.end()) {
      slot.storage =
          add_storage({Home::kInput, static_cast<size_t>(input - lowering_.inputs.begin()), nullptr,
                       slot.view.bytes(), kUsedAtEnd});
    } else if (!slot.contents_known && !lowering_.slots[id].constant) {
      slot.storage = add_storage({Home::kSlot, id, nullptr, slot.view.bytes(), kUsedAtEnd});
    } else {
      slot.storage = add_storage({Home::kFixed, 0, slot.view.data, slot.view.bytes(), kUsedAtEnd});
    }
    return slot.storage;
  }

  // Packs the arena's buffers. What later segments or the caller read lives to the end.
  Status place() {
    for (SlotId id : lowering_.outputs) {
      if (slots_[id].bound) keep(storage_of(id));
    }
    std::vector<Lifetime> lifetimes;
    std::vector<StorageId> owners;
    for (StorageId id = 0; id < out_.storages.size(); ++id) {
      const Storage& storage = out_.storages[id];
      if (storage.home != Home::kArena) continue;
      lifetimes.push_back({storage.bytes, first_use_[id], std::max(storage.last_use, 1u) - 1, 0});
      owners.push_back(id);
    }
    out_.arena_bytes = plan_memory(lifetimes);
    if (out_.arena_bytes == SIZE_MAX) {
      return error(ErrorCode::LIMIT_EXCEEDED, "activations need more than the limit of 2 GiB");
    }
    for (size_t i = 0; i < owners.size(); ++i)
      out_.storages[owners[i]].offset = lifetimes[i].offset;
    for (SlotId id = 0; id < slots_.size(); ++id) {
      if (slots_[id].storage != kNoStorage && lowering_.slots[id].last_use > out_.end) {
        out_.leaving.push_back(id);
      }
    }
    return {};
  }

  void keep(StorageId id) { out_.storages[id].last_use = kUsedAtEnd; }

  const Lowering& lowering_;
  SlotTable& slots_;
  const std::span<void* const> addresses_;
  uint32_t index_ = 0;
  Segment out_;
  std::vector<uint32_t> first_use_;  // by storage
  std::vector<ValueFacts> facts_, outputs_;
  std::vector<TensorView> views_;  // behind ValueFacts::value
};

}  // namespace

void* Segment::address(StorageId id, const Memory& memory) const {
  const Storage& storage = storages[id];
  switch (storage.home) {
    case Home::kArena:
      return memory.arena + storage.offset;
    case Home::kInput:
      return memory.inputs[storage.offset].data;
    case Home::kFixed:
      return const_cast<void*>(storage.fixed);
    case Home::kSlot:
      return memory.addresses[storage.offset];
  }
  return nullptr;
}

void Segment::resolve(const Memory& memory) {
  for (size_t i = 0; i < views.size(); ++i) {
    if (view_storage[i] != kNoStorage) views[i].data = address(view_storage[i], memory);
  }
}

SlotTable initial_slots(const Lowering& lowering, std::span<const TensorView> inputs) {
  SlotTable slots(lowering.slots.size());
  for (SlotId id = 0; id < lowering.slots.size(); ++id) {
    const Slot& slot = lowering.slots[id];
    if (!slot.constant || slot.layout != Layout::kRowMajor) continue;
    BoundSlot& bound = slots[id];
    bound = {slot.constant->view(), true, slot.constant->payload.block != nullptr, kNoStorage};
    bound.view.dtype = slot.dtype;  // for float16 weights of float32, which have been packed
    if (!bound.view.data && bound.view.elements() == 0) {
      static uint8_t nothing;
      bound.view.data = &nothing;
      bound.contents_known = true;
    }
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    slots[lowering.inputs[i]] = {inputs[i], true, false, kNoStorage};
  }
  return slots;
}

Result<Segment> bind_segment(const Lowering& lowering, SlotTable& slots, uint32_t begin,
                             std::span<void* const> addresses) {
  return Binder(lowering, slots, begin, addresses).run();
}

}  // namespace sardonyx
