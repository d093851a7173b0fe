// Runs.
#include <algorithm>
#include <new>

#include "c_api/handles.h"
#include "c_api/last_error.h"

using namespace sardonyx;
using c_api::report;

extern "C" {

sx_run* sx_run_create(sx_session* session) {
  auto* run = new (std::nothrow) sx_run(session);
  if (run) session->last_run = run;
  return run;
}

void sx_run_destroy(sx_run* run) {
  if (run && run->session->last_run == run) run->session->last_run = nullptr;
  delete run;
}

int32_t sx_run_set_input(sx_run* run, uint32_t index, int32_t dtype, uint32_t rank,
                         const int64_t* dims, const void* data, size_t bytes) {
  if (!is_known_dtype(dtype)) {
    return report(error(ErrorCode::INPUT_DTYPE, "dtype number %d is not known", dtype));
  }
  if (rank > static_cast<uint32_t>(kMaxRank)) {
    return report(
        error(ErrorCode::INPUT_SHAPE, "a rank of %u is above the limit of %d", rank, kMaxRank));
  }
  const TensorView view{static_cast<DType>(dtype), Layout::kRowMajor, Shape(std::span(dims, rank)),
                        const_cast<void*>(data)};
  return report(run->run.set_input(index, view, bytes));
}

int32_t sx_run_start(sx_run* run) {
  return report(run->run.start());
}

int32_t sx_run_advance(sx_run* run, double budget_ms) {
  const Result<Run::State> state = run->run.advance(budget_ms);
  if (!state.ok()) return -report(state.status());
  return state.value() == Run::State::kDone ? 0 : 1;
}

uint32_t sx_run_progress(const sx_run* run) {
  return run->run.steps_done();
}

uint32_t sx_run_steps(const sx_run* run) {
  return static_cast<uint32_t>(run->session->session->lowering().steps.size());
}

const sx_output* sx_run_output(sx_run* run, uint32_t index) {
  const TensorView view = run->run.output(index);
  if (!view.present() || index >= run->outputs.size()) return nullptr;
  sx_output& output = run->outputs[index];
  output.dtype = static_cast<int32_t>(view.dtype);
  output.rank = static_cast<uint32_t>(view.shape.rank());
  std::copy(view.shape.begin(), view.shape.end(), output.dims);
  output.data = view.data;
  output.bytes = view.bytes();
  return &output;
}

void sx_run_reset(sx_run* run) {
  run->run.reset();
}

}  // extern "C"
