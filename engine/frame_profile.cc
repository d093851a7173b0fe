// Measuring the steps of a frame.
#include "engine/frame.h"

namespace sardonyx {

Status Frame::run_timed(const BoundStep& bound, const RunContext& context) {
  StepTime& time = times_[bound.step];
  ++time.calls;
  const StepTimer timer(&time);
  return step(bound).kernel->run(context);
}

void Frame::measure(bool on) {
  times_.assign(on ? lowering_.steps.size() : 0, {});
  for (const auto& [step, call] : calls_) {
    for (Frame* frame : call->frames()) frame->measure(on);
  }
}

StepCost Frame::cost(const Step& step, std::span<const TensorView> inputs,
                     std::span<const TensorView> outputs) const {
  std::vector<TensorView> stored(inputs.begin(), inputs.end());
  for (size_t i = 0; i < stored.size(); ++i) {
    const SlotId slot = step.inputs[i];
    const ConstantPtr constant = slot == kNoSlot ? nullptr : lowering_.slots[slot].constant;
    if (constant) stored[i].dtype = constant->dtype;
  }
  return cost_of(*step.node, stored, outputs);
}

double Frame::add_profile(std::vector<StepProfile>& steps, int depth) const {
  double total = 0;
  if (!measures()) return total;
  for (const Segment* segment : segments()) {
    for (const BoundStep& bound : segment->steps) {
      const StepTime& time = times_[bound.step];
      if (time.calls == 0) continue;
      const std::span inputs(segment->views.data() + bound.first_view, bound.inputs);
      const std::span outputs(inputs.data() + bound.inputs, bound.outputs);
      const size_t row = steps.size();
      steps.push_back({&step(bound), depth, place_, outputs.data(), time, 0,
                       cost(step(bound), inputs, outputs)});
      const auto call = calls_.find(bound.step);
      if (call != calls_.end()) {
        double nested = 0;
        for (const Frame* frame : call->second->frames())
          nested += frame->add_profile(steps, depth + 1);
        steps[row].nested_ms = nested;
        total += nested;
      }
      total += time.ms;
    }
  }
  return total;
}

}  // namespace sardonyx
