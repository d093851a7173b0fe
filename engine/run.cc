#include <algorithm>

#include "engine/session.h"
#include "simd/parallel_region.h"

namespace sardonyx {
namespace {

bool fits(const Value& declared, const Shape& shape) {
  if (!declared.has_shape) return true;
  if (declared.shape.rank() != shape.rank()) return false;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (declared.shape[axis] >= 0 && declared.shape[axis] != shape[axis]) return false;
  }
  return true;
}

Status check_input(const Value& declared, const TensorView& view, size_t bytes) {
  const char* name = declared.name.c_str();
  if (declared.kind != view.kind) {
    return error(ErrorCode::INPUT_DTYPE, "input '%s' is of kind %s, the model wants %s", name,
                 kind_name(view.kind).data(), kind_name(declared.kind).data());
  }
  if (view.dtype != declared.dtype) {
    return error(ErrorCode::INPUT_DTYPE, "input '%s' is %s, the model wants %s", name,
                 std::string(dtype_name(view.dtype)).c_str(),
                 std::string(dtype_name(declared.dtype)).c_str());
  }
  const auto wanted = storage_bytes(view.dtype, view.shape, Layout::kRowMajor);
  if (!wanted || !fits(declared, view.shape)) {
    return error(ErrorCode::INPUT_SHAPE, "input '%s' has shape %s, the model wants %s", name,
                 view.shape.to_string().c_str(), declared.shape.to_string().c_str());
  }
  if (*wanted != bytes) {
    return error(ErrorCode::INPUT_SIZE, "input '%s' has %zu bytes, its shape %s needs %zu", name,
                 bytes, view.shape.to_string().c_str(), *wanted);
  }
  return {};
}

// Elements are checked as tensors of the declared element type.
Status check_elements(const Value& declared, const Box& box) {
  Value element = declared;
  element.kind = ValueKind::kTensor;
  for (const ConstantPtr& tensor : box.elements()) {
    SX_TRY(check_input(element, tensor->view(), tensor->payload.bytes));
  }
  return {};
}

}  // namespace

Run::Run(const Session& session)
    : session_(session),
      frame_(session.lowering()),
      inputs_(session.graph().inputs.size()),
      fed_boxes_(session.graph().inputs.size()) {
  reset();
}

Status Run::set_input(size_t index, const TensorView& view, size_t bytes) {
  if (index >= inputs_.size()) {
    return error(ErrorCode::INPUT_UNKNOWN, "the model has no input number %zu", index);
  }
  const Value& declared = session_.graph().values[session_.graph().inputs[index]];
  Value wanted = declared;
  if (declared.kind == ValueKind::kOptional) wanted.kind = ValueKind::kTensor;
  Status status = check_input(wanted, view, bytes);
  if (!status.ok()) return std::move(status).at_tensor(declared.name);
  if (declared.kind == ValueKind::kOptional) {
    SX_ASSIGN(ConstantPtr element, copy_of(view));
    return set_input(index, Box({std::move(element)}));
  }
  inputs_[index] = view;
  return {};
}

Status Run::set_input(size_t index, Box box) {
  if (index >= inputs_.size()) {
    return error(ErrorCode::INPUT_UNKNOWN, "the model has no input number %zu", index);
  }
  const Value& declared = session_.graph().values[session_.graph().inputs[index]];
  const bool one = declared.kind == ValueKind::kOptional;
  if (declared.kind == ValueKind::kTensor || (!box.present() && !is_optional(declared.kind)) ||
      (one && box.present() && box.size() != 1)) {
    return error(ErrorCode::INPUT_DTYPE, "input '%s' is %s, the model wants one of kind %s",
                 declared.name.c_str(), box.present() ? "a sequence" : "an empty optional",
                 kind_name(declared.kind).data())
        .at_tensor(declared.name);
  }
  Status status = check_elements(declared, box);
  if (!status.ok()) return std::move(status).at_tensor(declared.name);
  FedBox& fed = fed_boxes_[index];
  fed.box = std::move(box);
  fed.address = &fed.box;
  inputs_[index] = {declared.dtype, Layout::kRowMajor, {}, &fed.address, declared.kind};
  return {};
}

Status Run::start() {
  const StepTimer timer(time());
  state_ = Progress::kNone;
  plan_used_ = nullptr;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].present()) continue;
    const std::string& name = session_.graph().values[session_.graph().inputs[i]].name;
    return error(ErrorCode::INPUT_MISSING, "input '%s' is not fed", name.c_str()).at_tensor(name);
  }
  trend_.saw(inputs_);
  SX_TRY(frame_.start(inputs_));
  stack_.assign(1, &frame_);
  state_ = Progress::kStarted;
  return {};
}

Result<const GpuPlan*> Run::gpu_plan() {
  if (state_ != Progress::kStarted || !session_.gpu_weights()) {
    return error(ErrorCode::INVALID_ARGUMENT, "the run has not been started for a GPU");
  }
  Frame::Binding& binding = frame_.binding();
  if (!binding.segment.is_whole(session_.lowering())) {
    const uint32_t end = binding.segment.end;
    const Node& node =
        *session_.lowering().steps[binding.segment.ends_with_call ? end - 1 : end].node;
    return error(ErrorCode::MODEL_UNSUPPORTED, "%s has a shape that depends on contents",
                 node.label().c_str());
  }
  for (const Slot& slot : session_.lowering().slots) {
    if (!needs_heap(slot.kind, slot.dtype)) continue;
    return error(ErrorCode::MODEL_UNSUPPORTED, "strings, sequences and optionals stay on the CPU")
        .at_tensor(session_.graph().values[slot.value].name);
  }
  if (!binding.gpu) {
    SX_ASSIGN(GpuPlan plan, plan_gpu(session_.lowering(), binding.segment, binding.slots,
                                     *session_.gpu_weights()));
    binding.gpu = std::make_unique<GpuPlan>(std::move(plan));
  }
  GpuPlan& plan = *binding.gpu;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    plan.feeds[i].address = reinterpret_cast<uintptr_t>(inputs_[i].data);
  }
  return &plan;
}

Status Run::run_steps(uint32_t begin, uint32_t end) {
  if (state_ != Progress::kStarted) {
    return error(ErrorCode::INVALID_ARGUMENT, "the run has not been started");
  }
  return fail(frame_.run_steps(begin, end));
}

void Run::finish_on_gpu() {
  if (state_ != Progress::kStarted || !frame_.binding().gpu) return;
  state_ = Progress::kDone;
  plan_used_ = frame_.binding().gpu.get();
  frame_.skip_to_end();
}

// Ends the run unless the status is OK, and says in which bodies it came up.
Status Run::fail(Status status) {
  if (status.ok()) return status;
  for (size_t i = stack_.size(); i-- > 1;) {
    status = std::move(status).in_body(stack_[i]->place());
  }
  state_ = Progress::kNone;
  return status;
}

// The top frame has come to a step with bodies, or the body that it called has ended.
Status Run::step_bodies(Frame::Event event) {
  if (event == Frame::Event::kEnd) stack_.pop_back();
  const StepTimer timer(stack_.back()->call_time());
  if (event == Frame::Event::kCall) SX_TRY(stack_.back()->begin_call());
  SX_ASSIGN(Frame* const body, stack_.back()->continue_call());
  if (body) stack_.push_back(body);
  return {};
}

Result<Run::State> Run::advance(double budget_ms) {
  if (state_ == Progress::kDone) return State::kDone;
  if (state_ == Progress::kNone) {
    return error(ErrorCode::INVALID_ARGUMENT, "the run has not been started");
  }
  const StepTimer timer(time());
  const simd::ParallelRegion region;
  Slice slice(budget_ms);
  for (;;) {
    const Result<Frame::Event> event = stack_.back()->advance(slice);
    if (!event.ok()) return fail(event.status().clone());
    if (event.value() == Frame::Event::kYield) return State::kYield;
    if (event.value() == Frame::Event::kEnd && stack_.size() == 1) break;
    SX_TRY(fail(step_bodies(event.value())));
    if (slice.used_up(0)) return State::kYield;
  }
  state_ = Progress::kDone;
  if (measures_) ++measured_.calls;
  return State::kDone;
}

TensorView Run::output(size_t index) const {
  if (state_ != Progress::kDone || index >= session_.lowering().outputs.size()) return {};
  return frame_.output(index);
}

void Run::measure(bool on) {
  frame_.measure(on);
  measures_ = on;
  measured_ = {};
}

RunProfile Run::profile() const {
  RunProfile profile{measured_.calls, measured_.ms, {}};
  frame_.add_profile(profile.steps);
  return profile;
}

void Run::bind_ahead() {
  const std::span<const TensorView> key = trend_.next();
  if (!key.empty()) frame_.bind_ahead(key);
}

void Run::reset() {
  state_ = Progress::kNone;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const Value& declared = session_.graph().values[session_.graph().inputs[i]];
    inputs_[i] = declared.optional_input ? declared.constant->view() : TensorView();
  }
  std::fill(fed_boxes_.begin(), fed_boxes_.end(), FedBox());
  frame_.reset();
}

}  // namespace sardonyx
