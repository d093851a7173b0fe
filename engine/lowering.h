// A program lowered to the CPU: kernels chosen, layouts assigned, weights packed. Independent of
// the dims that are unknown until a run.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/status.h"
#include "engine/bodies.h"
#include "engine/graph.h"
#include "engine/pack_cache.h"

namespace sardonyx {

using SlotId = uint32_t;
inline constexpr SlotId kNoSlot = UINT32_MAX;
inline constexpr uint32_t kNeverUsed = 0;
inline constexpr uint32_t kUsedAtEnd = UINT32_MAX;

// A value in one layout. A value that is read in both layouts has two slots.
struct Slot {
  ValueId value = kNoValue;
  DType dtype = DType::kUndefined;
  Layout layout = Layout::kRowMajor;
  ConstantPtr constant;            // null payload once every reader has packed it
  uint32_t last_use = kNeverUsed;  // 1 + index of the last step that reads it, or kUsedAtEnd
  ValueKind kind = ValueKind::kTensor;
};

struct Lowering;

// A subgraph of a step's node, lowered.
struct StepBody {
  Body body;
  std::unique_ptr<Lowering> lowering;
  Status failure;  // why a branch of an If can not run, which is an error when it is taken
};

struct Step {
  const Node* node = nullptr;   // of the graph, or one of Lowering::conversions
  KernelPtr kernel;             // null for a step with bodies
  std::vector<SlotId> inputs;   // kNoSlot: absent
  std::vector<SlotId> outputs;  // kNoSlot: not wanted
  std::vector<StepBody> bodies;

  // The body of that attribute, which the operator's rule has found to be there.
  const StepBody& body(std::string_view attribute) const;
};

struct Lowering {
  std::vector<Slot> slots;
  std::vector<Step> steps;
  std::vector<SlotId> inputs;          // one per graph input
  std::vector<SlotId> outputs;         // one per graph output, row-major
  std::array<Node, 2> conversions;     // by target Layout
  std::shared_ptr<SharedPacks> packs;  // one for a graph and its bodies
};

// Constants of `graph` that every reader has packed are released from it while it is lowered. The
// lowering refers to nodes of `graph`, which must outlive it unchanged.
Result<std::unique_ptr<Lowering>> lower_to_cpu(Graph& graph);
// The form that a GPU shares: all values row-major, every constant kept.
Result<std::unique_ptr<Lowering>> lower_for_gpu(Graph& graph);

}  // namespace sardonyx
