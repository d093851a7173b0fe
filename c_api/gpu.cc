// Runs whose steps are dispatched by webgpu/.
#include "c_api/handles.h"
#include "c_api/last_error.h"

using namespace sardonyx;
using c_api::report;

static_assert(sizeof(sx_gpu_copy) == sizeof(GpuCopy));
static_assert(sizeof(sx_gpu_hand_over) == sizeof(GpuHandOver));

namespace {

void list(const std::vector<GpuCopy>& from, uint32_t& count, const sx_gpu_copy*& copies) {
  count = static_cast<uint32_t>(from.size());
  copies = reinterpret_cast<const sx_gpu_copy*>(from.data());
}

}  // namespace

extern "C" {

const sx_gpu_plan* sx_run_gpu_plan(sx_run* run) {
  const Result<const GpuPlan*> made = run->run.gpu_plan();
  if (!made.ok()) {
    report(made.status());
    return nullptr;
  }
  const GpuPlan& from = *made.value();
  sx_gpu_plan& plan = run->plan;
  plan.id = from.id;
  plan.steps = from.steps.data();
  plan.steps_count = static_cast<uint32_t>(from.steps.size());
  plan.hand_overs = reinterpret_cast<const sx_gpu_hand_over*>(from.hand_overs.data());
  plan.hand_overs_count = static_cast<uint32_t>(from.hand_overs.size());
  list(from.transfers, plan.transfers_count, plan.transfers);
  list(from.feeds, plan.feeds_count, plan.feeds);
  list(from.constants, plan.constants_count, plan.constants);
  list(from.outputs, plan.outputs_count, plan.outputs);
  const GpuWeights& weights = *run->session->session->gpu_weights();
  list(weights.copies, plan.weights_count, plan.weights);
  list(weights.halves, plan.halves_count, plan.halves);
  plan.weights_bytes = static_cast<uint32_t>(weights.bytes);
  plan.arena_bytes = static_cast<uint32_t>(from.arena_bytes);
  plan.arena = run->run.arena();
  return &plan;
}

int32_t sx_run_cpu_steps(sx_run* run, uint32_t begin, uint32_t end) {
  return report(run->run.run_steps(begin, end));
}

void sx_run_finish_on_gpu(sx_run* run) {
  run->run.finish_on_gpu();
}

}  // extern "C"
