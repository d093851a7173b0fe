#include "tools/native/step_profile.h"

#include <algorithm>

#include "engine/clock.h"

namespace sardonyx::tool {
namespace {

std::string describe(const TensorView& view) {
  return std::string(dtype_name(view.dtype)) + view.shape.to_string() +
         (view.layout == Layout::kNC4HW4 ? " nc4hw4" : "");
}

Result<double> fastest(const Kernel& kernel, const RunContext& context, int repetitions) {
  double best = 1e30;
  for (int i = 0; i < repetitions; ++i) {
    const double start = now_ms();
    SX_TRY(kernel.run(context));
    best = std::min(best, now_ms() - start);
  }
  return best;
}

}  // namespace

Result<std::vector<StepTime>> profile_steps(const Session& session, const Run& run,
                                            int repetitions) {
  std::vector<StepTime> times;
  for (const Segment* segment : run.segments()) {
    for (const BoundStep& bound : segment->steps) {
      const Step& step = session.lowering().steps[bound.step];
      if (!step.kernel) continue;
      const std::span<const TensorView> views(segment->views.data() + bound.first_view,
                                              size_t{bound.inputs} + bound.outputs);
      Block scratch;
      if (bound.scratch != kNoStorage) {
        SX_ASSIGN(scratch, Block::allocate(segment->storages[bound.scratch].bytes));
      }
      const RunContext context{views.first(bound.inputs), views.subspan(bound.inputs),
                               scratch.data(), bound.plan.get()};
      SX_ASSIGN(const double ms, fastest(*step.kernel, context, repetitions));
      times.push_back({step.node->name, step.node->type, std::string(step.kernel->name()),
                       describe(context.outputs[0]), ms});
    }
  }
  return times;
}

}  // namespace sardonyx::tool
