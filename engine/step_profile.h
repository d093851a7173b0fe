// Time per step of runs that are measured.
#pragma once

#include <string_view>
#include <vector>

#include "engine/clock.h"
#include "engine/step_cost.h"

namespace sardonyx {

struct Step;

struct StepTime {
  double ms = 0;
  uint32_t calls = 0;
};

// Adds the time of its life; reads no clock when `time` is null.
class StepTimer {
 public:
  explicit StepTimer(StepTime* time) : time_(time), begin_(time ? now_ms() : 0) {}
  StepTimer(StepTimer&&) = delete;
  ~StepTimer() {
    if (time_) time_->ms += now_ms() - begin_;
  }

 private:
  StepTime* const time_;
  const double begin_;
};

struct StepProfile {
  const Step* step = nullptr;
  int depth = 0;                        // of the body that it is in; 0: the model's graph
  std::string_view place;               // "the body of Loop 'y'", empty for the model's graph
  const TensorView* outputs = nullptr;  // of the last call
  StepTime time;                        // of all runs, without the bodies of the step
  double nested_ms = 0;                 // of steps of its bodies
  StepCost cost;                        // of the last call
};

struct RunProfile {
  uint32_t runs = 0;
  double ms = 0;  // of all runs, pauses between slices left out
  // In order, those of bodies behind their step.
  std::vector<StepProfile> steps;
};

}  // namespace sardonyx
