// A lowering bound to concrete shapes: every dim known, every buffer placed.
//
// Steps are bound in segments. A segment ends before the first step whose output shapes depend on
// contents that are only known when the steps before it have run; the next segment is bound then.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/block.h"
#include "base/status.h"
#include "engine/lowering.h"

namespace sardonyx {

using StorageId = uint32_t;
inline constexpr StorageId kNoStorage = UINT32_MAX;

// Where a buffer lives.
enum class Home : uint8_t {
  kArena,  // offset into the segment's arena
  kInput,  // memory of graph input number `offset`
  kFixed,  // `fixed`: a constant, a value computed while binding, or an earlier segment's buffer
};

struct Storage {
  Home home = Home::kFixed;
  size_t offset = 0;
  const void* fixed = nullptr;
  size_t bytes = 0;
  uint32_t last_use = kNeverUsed;  // as Slot::last_use, over all values that share the buffer
};

// What is known about a slot while binding and running.
struct BoundSlot {
  TensorView view;  // data is set as soon as the contents or the address are known
  bool bound = false;
  bool contents_known = false;     // independent of what the inputs contain
  StorageId storage = kNoStorage;  // in the segment that is being bound
};

struct BoundStep {
  uint32_t step = 0;  // index into Lowering::steps
  uint32_t first_view = 0;
  uint16_t inputs = 0;
  uint16_t outputs = 0;
  uint32_t scratch = kNoStorage;
  size_t output_bytes = 0;
  std::unique_ptr<StepPlan> plan;
};

struct Segment {
  uint32_t begin = 0;  // steps [begin, end) of the lowering
  uint32_t end = 0;
  std::vector<BoundStep> steps;   // those that have to run
  std::vector<TensorView> views;  // inputs and outputs of the steps, one after another
  std::vector<StorageId> view_storage;
  std::vector<Storage> storages;
  std::vector<Block> folded;  // contents computed while binding
  size_t arena_bytes = 0;

  // Sets the data pointers of all views, of the slots and of later look-ups.
  void resolve(const uint8_t* arena, std::span<const TensorView> inputs);
  const void* address(StorageId id, const uint8_t* arena, std::span<const TensorView> inputs) const;
};

// Shapes (and known contents) of all slots after some segments.
using SlotTable = std::vector<BoundSlot>;

// A table with constants and the shapes of the graph inputs bound.
SlotTable initial_slots(const Lowering& lowering, std::span<const TensorView> inputs);

// Binds steps from `begin` on until the end or the first step that has to wait. `may_read_data`:
// every bound slot's data pointer is valid, so the first step may look at contents.
Result<Segment> bind_segment(const Lowering& lowering, SlotTable& slots, uint32_t begin,
                             bool may_read_data);

}  // namespace sardonyx
