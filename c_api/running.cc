// Runs.
#include <algorithm>
#include <new>

#include "base/packed_box.h"
#include "base/string_tensor.h"
#include "c_api/handles.h"
#include "c_api/last_error.h"
#include "engine/describe.h"

using namespace sardonyx;
using c_api::report;

namespace {

bool is_box(const sx_run* run, uint32_t index) {
  const Graph& graph = run->session->session->graph();
  return index < graph.inputs.size() &&
         graph.values[graph.inputs[index]].kind != ValueKind::kTensor;
}

Status at_input(const sx_run* run, uint32_t index, Status status) {
  const Graph& graph = run->session->session->graph();
  if (status.ok() || index >= graph.inputs.size()) return status;
  return std::move(status).at_tensor(graph.values[graph.inputs[index]].name);
}

Status set_box(sx_run* run, uint32_t index, std::span<const uint8_t> packed) {
  SX_ASSIGN(Box box, unpack_box(packed));
  return run->run.set_input(index, std::move(box));
}

Status set_strings(sx_run* run, uint32_t index, const Shape& shape,
                   std::span<const uint8_t> packed) {
  SX_ASSIGN(ConstantPtr strings, unpack_strings(shape, packed));
  SX_TRY(run->run.set_input(index, strings->view(), strings->payload.bytes));
  run->strings[index] = std::move(strings);
  return {};
}

Result<Block> pack(const TensorView& view) {
  return view.kind == ValueKind::kTensor ? pack_strings(view) : pack_box(box_of(view));
}

}  // namespace

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
  const std::span<const uint8_t> given(static_cast<const uint8_t*>(data), bytes);
  if (is_box(run, index)) return report(at_input(run, index, set_box(run, index, given)));
  if (!is_known_dtype(dtype)) {
    return report(error(ErrorCode::INPUT_DTYPE, "dtype number %d is not known", dtype));
  }
  if (rank > static_cast<uint32_t>(kMaxRank)) {
    return report(
        error(ErrorCode::INPUT_SHAPE, "a rank of %u is above the limit of %d", rank, kMaxRank));
  }
  const Shape shape(std::span(dims, rank));
  if (static_cast<DType>(dtype) == DType::kString) {
    return report(at_input(run, index, set_strings(run, index, shape, given)));
  }
  const TensorView view{static_cast<DType>(dtype), Layout::kRowMajor, shape,
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
  output.kind = static_cast<int32_t>(view.kind);
  output.data = view.data;
  output.bytes = view.bytes();
  if (!needs_heap(view.kind, view.dtype)) return &output;
  Result<Block> packed = pack(view);
  output.data = nullptr;
  if (!packed.ok()) {
    report(packed.status());
    return &output;
  }
  run->packed[index] = packed.take();
  output.data = run->packed[index].data();
  output.bytes = run->packed[index].size();
  return &output;
}

void sx_run_measure(sx_run* run, int32_t on) {
  run->run.measure(on != 0);
}

const char* sx_run_profile(sx_run* run) {
  run->profile = describe_profile(run->run);
  return run->profile.c_str();
}

void sx_run_bind_ahead(sx_run* run) {
  run->run.bind_ahead();
}

void sx_run_reset(sx_run* run) {
  run->run.reset();
  std::fill(run->strings.begin(), run->strings.end(), nullptr);
  for (Block& block : run->packed) block = Block();
}

}  // extern "C"
