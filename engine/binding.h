// A lowering bound to concrete shapes: every dim known, every buffer placed.
//
// Steps are bound in segments. A segment ends before the first step whose output shapes depend on
// contents that are only known when the steps before it have run, and behind a step that runs
// bodies; the next segment is bound then.
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
  kFixed,  // `fixed`: a constant or a value computed while binding
  kSlot,   // made before the segment: the address of slot number `offset`
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
  TensorView view;  // data is set when the contents are known
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

// Where the contents of one execution are.
struct Memory {
  uint8_t* arena = nullptr;            // of the segment
  std::span<const TensorView> inputs;  // of the graph
  std::span<void* const> addresses;    // by slot, of all that earlier segments have made
};

struct Segment {
  uint32_t begin = 0;  // steps [begin, end) of the lowering
  uint32_t end = 0;
  std::vector<BoundStep> steps;   // those that have to run
  std::vector<TensorView> views;  // inputs and outputs of the steps, one after another
  std::vector<StorageId> view_storage;
  std::vector<Storage> storages;
  std::vector<Block> folded;    // contents computed while binding
  std::vector<SlotId> leaving;  // slots that later segments read
  size_t arena_bytes = 0;
  bool reads_contents = false;  // shapes depend on what some slots contain
  bool ends_with_call = false;  // the last step runs bodies: its output views are set by then

  // Nothing is left to be bound.
  bool is_whole(const Lowering& lowering) const {
    return end == lowering.steps.size() && !ends_with_call;
  }
  // Sets the data pointers of all views.
  void resolve(const Memory& memory);
  void* address(StorageId id, const Memory& memory) const;
};

// Shapes (and known contents) of all slots after some segments.
using SlotTable = std::vector<BoundSlot>;

// A table with constants and the shapes of the graph inputs bound.
SlotTable initial_slots(const Lowering& lowering, std::span<const TensorView> inputs);

// Binds steps from `begin` on until the end, a step that runs bodies, or a step that has to wait
// for contents. `addresses`: where slots are, by slot, null if not made yet; their contents may be
// read.
Result<Segment> bind_segment(const Lowering& lowering, SlotTable& slots, uint32_t begin,
                             std::span<void* const> addresses);

}  // namespace sardonyx
