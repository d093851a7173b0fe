// The engine's front: a compiled model, and runs of it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/frame.h"
#include "engine/gpu/plan.h"
#include "engine/graph.h"
#include "engine/lowering.h"
#include "engine/shape_trend.h"

namespace sardonyx {

struct SessionOptions {
  // Lowered so that a GPU can take over steps; runs on the CPU too, but slower.
  bool for_gpu = false;
  // Weights that the model lists among its inputs, as early exporters do, and that runs may feed.
  // The others are constants.
  std::vector<std::string> fed_weights;
};

// A compiled model: graph after the passes, lowered to the CPU. Immutable once created, except that
// the weights that every kernel has packed are gone from the graph. Thread-compatible.
class Session {
 public:
  // Resolves operators, infers shapes, runs the passes, lowers. INVALID_ARGUMENT when the options
  // name what is no weight among the inputs.
  static Result<std::unique_ptr<Session>> create(std::unique_ptr<Graph> graph,
                                                 const SessionOptions& options = {});
  // Lowers a session made for a GPU anew for the CPU alone. No Run of the session may exist.
  Status leave_gpu();

  const Graph& graph() const { return *graph_; }
  const Lowering& lowering() const { return *lowering_; }
  // Nodes of the model as it came, those of bodies included, by operator ("Conv",
  // "com.microsoft.Gelu").
  const std::map<std::string, int>& operator_counts() const { return operator_counts_; }
  // Null unless the session was made for a GPU.
  const GpuWeights* gpu_weights() const { return gpu_weights_ ? &*gpu_weights_ : nullptr; }
  // Bytes of weights that are kept as they came.
  size_t weight_bytes() const;

 private:
  std::unique_ptr<Graph> graph_;
  std::unique_ptr<Lowering> lowering_;
  std::optional<GpuWeights> gpu_weights_;
  std::map<std::string, int> operator_counts_;
};

// One execution at a time of a session: feed inputs, start, advance to the end, read outputs. Keeps
// its memory and its bindings from run to run. The session must outlive it. Thread-compatible.
class Run {
 public:
  enum class State : uint8_t { kDone, kYield };

  explicit Run(const Session& session);

  // `view` must be row-major and stay valid and unchanged until the run is done; `bytes` is the
  // size of its memory. INPUT_DTYPE, INPUT_SHAPE or INPUT_SIZE when it does not fit.
  // The characters of strings stay where they are too. A tensor for an optional is copied.
  Status set_input(size_t index, const TensorView& view, size_t bytes);
  // A sequence or an optional, whose elements the run shares. INPUT_DTYPE, INPUT_SHAPE.
  Status set_input(size_t index, Box box);
  // INPUT_MISSING unless every input is set; those with a default need not be.
  Status start();
  // Runs steps until `budget_ms` has passed (checked between steps; 0: until the end).
  Result<State> advance(double budget_ms);
  // The current binding for WebGPU; after start() and before any step. MODEL_UNSUPPORTED when
  // shapes depend on contents, LIMIT_EXCEEDED.
  Result<const GpuPlan*> gpu_plan();
  // Runs steps [begin, end) of the plan's segment on the CPU, in the arena.
  Status run_steps(uint32_t begin, uint32_t end);
  // The GPU has run all other steps. output() tells dtypes and shapes; contents of what the plan
  // lists as outputs are on the GPU.
  void finish_on_gpu();
  // Of the last run, if it ended on the GPU; else null.
  const GpuPlan* plan_used() const { return plan_used_; }
  const uint8_t* arena() const { return frame_.arena(); }
  // After kDone: row-major, valid until the next start() or reset(). See box_of() for other kinds.
  TensorView output(size_t index) const;
  void reset();
  // When nobody waits: prepares what the next start() needs if the shapes of the inputs go on to
  // change as they did.
  void bind_ahead();

  // Steps of the lowering passed so far, of all. Those of bodies do not count.
  uint32_t steps_done() const { return frame_.position(); }
  size_t arena_bytes() const { return frame_.arena_bytes(); }
  // The segments bound for the current shapes, in order.
  std::vector<const Segment*> segments() const { return frame_.segments(); }

  // From the next start() on, times of runs and of their steps on the CPU are summed, from zero, or
  // no longer.
  void measure(bool on);
  // Of the runs since then that have ended. Views are valid until the next start().
  RunProfile profile() const;

 private:
  enum class Progress : uint8_t { kNone, kStarted, kDone };

  Status step_bodies(Frame::Event event);
  StepTime* time() { return measures_ ? &measured_ : nullptr; }
  Status fail(Status status);

  struct FedBox {
    Box box;
    const Box* address = nullptr;  // what the input's view refers to
  };

  const Session& session_;
  Frame frame_;
  std::vector<TensorView> inputs_;
  ShapeTrend trend_;
  std::vector<FedBox> fed_boxes_;  // by input
  std::vector<Frame*> stack_;      // the model's frame, then the bodies that run, innermost last
  const GpuPlan* plan_used_ = nullptr;
  bool measures_ = false;
  StepTime measured_;  // a call is a run
  Progress state_ = Progress::kNone;
};

}  // namespace sardonyx
