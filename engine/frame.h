// Executing one lowering: the model's graph, or a body of If, Loop or Scan.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/binding.h"
#include "engine/control/call.h"
#include "engine/gpu/plan.h"
#include "engine/lowering.h"
#include "engine/step_profile.h"

namespace sardonyx {

// When the time of one Run::advance() is used up; shared by all frames of the run.
class Slice {
 public:
  // 0: never.
  explicit Slice(double budget_ms);
  // Counts a step that wrote `bytes`, and looks at the clock now and then.
  bool used_up(size_t bytes);

 private:
  double deadline_ = 0;
  size_t bytes_ = 0;
  int steps_ = 0;
};

// One execution at a time. Keeps its memory and its bindings from one to the next, so that the
// thousandth iteration of a loop allocates nothing. Thread-compatible.
class Frame {
 public:
  // A bound segment, found again by the one that it follows and by the dtypes and shapes of what is
  // new since: the inputs of the graph, or the outputs of the call that came before it.
  struct Binding {
    Binding(uint32_t number, std::span<const TensorView> shapes);

    uint32_t id = 0;
    uint32_t after = 0;  // 0: the first segment
    std::vector<TensorView> key;
    Segment segment;
    SlotTable slots;  // after the segment
    std::unique_ptr<GpuPlan> gpu;
  };
  // Why advance() returned: the end, the slice, or a step that runs bodies (begin_call()).
  enum class Event : uint8_t { kEnd, kYield, kCall };

  // `place` is "the body of Loop 'y'", empty for the model's graph.
  explicit Frame(const Lowering& lowering, std::string place = {});
  Frame(Frame&&) = delete;
  ~Frame();

  // Forgets what the values of the last execution refer to.
  void reset() { heap_.clear(); }
  // Row-major views, one per input, valid until the execution has ended.
  Status start(std::span<const TensorView> inputs);
  Result<Event> advance(Slice& slice);
  // After Event::kCall.
  Status begin_call();
  // The frame that the call runs next, started; null when the call has ended.
  Result<Frame*> continue_call();
  // After the end: valid until the next start().
  TensorView output(size_t index) const;

  // Binds the inputs' shapes of a later execution, if those of this one allow to bind all at once.
  // After the end.
  void bind_ahead(std::span<const TensorView> key);

  // Runs steps [begin, end) of the first segment.
  Status run_steps(uint32_t begin, uint32_t end);
  // The steps are done, by other means.
  void skip_to_end() { position_ = binding().segment.end; }

  const std::string& place() const { return place_; }
  // Of the first segment.
  Binding& binding() { return *path_[0]; }
  std::span<const TensorView> inputs() const { return inputs_; }
  // Steps of the lowering passed so far.
  uint32_t position() const { return position_; }
  // The first segment's memory.
  const uint8_t* arena() const { return arenas_.empty() ? nullptr : arenas_[0].data(); }
  // In this frame and those of its calls.
  size_t arena_bytes() const;
  // The segments bound for the current shapes, in order.
  std::vector<const Segment*> segments() const;

  // Times of steps are summed from now on, from zero, or no longer. Frames of calls follow the one
  // that calls them.
  void measure(bool on);
  bool measures() const { return !times_.empty(); }
  // Of the step with bodies that runs now; null when nothing is measured.
  StepTime* call_time() { return measures() ? &times_[current_step().step] : nullptr; }
  // What has been measured, bodies included; returns the sum.
  double add_profile(std::vector<StepProfile>& steps, int depth = 0) const;

 private:
  // Of a step that has been bound, with weights as they are stored.
  StepCost cost(const Step& step, std::span<const TensorView> inputs,
                std::span<const TensorView> outputs) const;
  // Goes on with the segment for `key`, bound before or now.
  Status enter_segment(std::span<const TensorView> key);
  Binding* find_binding(uint32_t after, std::span<const TensorView> key);
  Result<std::unique_ptr<Binding>> make_binding(std::span<const TensorView> key);
  Result<std::unique_ptr<Binding>> bind_first(std::span<const TensorView> key);
  void keep_binding(std::unique_ptr<Binding> binding);
  Status reserve_arena(size_t bytes);
  Status next_segment();
  Status run_step(const BoundStep& bound);
  Status run_timed(const BoundStep& bound, const RunContext& context);
  void end_call(const Call& call);
  Binding& current() const { return *path_.back(); }
  const BoundStep& current_step() const { return current().segment.steps[next_step_]; }
  const Step& step(const BoundStep& bound) const { return lowering_.steps[bound.step]; }
  Memory memory() const { return {arenas_[path_.size() - 1].data(), inputs_, addresses_}; }

  const Lowering& lowering_;
  const std::string place_;
  std::vector<TensorView> inputs_;
  std::vector<std::unique_ptr<Binding>> bindings_;   // most recently used first
  std::vector<std::unique_ptr<Binding>> transient_;  // of this execution: the first that depends on
                                                     // contents and those that follow
  std::vector<Binding*> path_;                       // the segments of this execution, in order
  std::vector<void*> addresses_;                     // Memory::addresses
  std::vector<Block> arenas_;                        // one per segment
  ValueHeap heap_;                                   // of this execution
  size_t max_bindings_ = 0;
  uint32_t last_id_ = 0;
  std::map<uint32_t, std::unique_ptr<Call>> calls_;  // by step
  std::vector<StepTime> times_;                      // by step; empty: not measured
  size_t next_step_ = 0;                             // within the current segment
  uint32_t position_ = 0;
};

}  // namespace sardonyx
