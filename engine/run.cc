#include <algorithm>

#include "engine/clock.h"
#include "engine/session.h"

namespace sardonyx {
namespace {

// Bindings kept per run; streaming and decoding alternate between few shapes or see each once.
constexpr size_t kMaxBindings = 4;

// The clock is read once per this many bytes written or steps run: it costs about 0.1 µs, a step of
// a small model not much more.
constexpr size_t kBytesPerClock = size_t{128} << 10;
constexpr int kStepsPerClock = 16;

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
      inputs_(session.graph().inputs.size()),
      fed_boxes_(session.graph().inputs.size()) {}

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
  started_ = done_ = false;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].present()) continue;
    const std::string& name = session_.graph().values[session_.graph().inputs[i]].name;
    return error(ErrorCode::INPUT_MISSING, "input '%s' is not fed", name.c_str()).at_tensor(name);
  }
  dynamic_.clear();
  heap_.clear();
  SX_ASSIGN(binding_, find_binding());
  slots_.clear();
  position_ = 0;
  SX_TRY(enter_segment(0));
  started_ = true;
  return {};
}

Result<Run::Binding*> Run::find_binding() {
  const auto same = [&](const std::unique_ptr<Binding>& binding) {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (!(binding->key[i] == inputs_[i].shape)) return false;
    }
    return true;
  };
  const auto found = std::find_if(bindings_.begin(), bindings_.end(), same);
  if (found != bindings_.end()) {
    std::rotate(bindings_.begin(), found, found + 1);
    return bindings_.front().get();
  }
  auto binding = std::make_unique<Binding>();
  std::vector<TensorView> shapes = inputs_;
  for (TensorView& view : shapes) {
    view.data = nullptr;
    binding->key.push_back(view.shape);
  }
  binding->slots = initial_slots(session_.lowering(), shapes);
  SX_ASSIGN(binding->segment, bind_segment(session_.lowering(), binding->slots, 0, false));
  plan_used_ = nullptr;  // it may be of the binding that goes
  if (bindings_.size() == kMaxBindings) bindings_.pop_back();
  bindings_.insert(bindings_.begin(), std::move(binding));
  return bindings_.front().get();
}

const Segment& Run::segment(size_t number) const {
  return number == 0 ? binding_->segment : dynamic_[number - 1];
}

Segment& Run::segment(size_t number) {
  return number == 0 ? binding_->segment : dynamic_[number - 1];
}

Status Run::enter_segment(size_t number) {
  segment_number_ = number;
  next_step_ = 0;
  if (arenas_.size() <= number) arenas_.resize(number + 1);
  Segment& current = segment(number);
  if (arenas_[number].size() < current.arena_bytes || !arenas_[number]) {
    arenas_[number] = Block();
    SX_ASSIGN(arenas_[number], Block::allocate(current.arena_bytes));
  }
  current.resolve(arenas_[number].data(), inputs_);
  return {};
}

// Sets the data pointers of everything that has been computed.
void Run::publish_addresses() {
  const Segment& current = segment(segment_number_);
  for (BoundSlot& slot : slots_) {
    if (!slot.bound || slot.storage == kNoStorage) continue;
    slot.view.data =
        const_cast<void*>(current.address(slot.storage, arenas_[segment_number_].data(), inputs_));
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    slots_[session_.lowering().inputs[i]].view.data = inputs_[i].data;
  }
}

Status Run::next_segment() {
  if (segment_number_ == 0) slots_ = binding_->slots;
  publish_addresses();
  SX_ASSIGN(Segment next,
            bind_segment(session_.lowering(), slots_, segment(segment_number_).end, true));
  dynamic_.push_back(std::move(next));
  return enter_segment(segment_number_ + 1);
}

Status Run::run_step(const BoundStep& bound) {
  const Segment& current = segment(segment_number_);
  const Step& step = session_.lowering().steps[bound.step];
  const std::span<const TensorView> views(current.views.data() + bound.first_view,
                                          size_t{bound.inputs} + bound.outputs);
  uint8_t* scratch = nullptr;
  if (bound.scratch != kNoStorage) {
    scratch = arenas_[segment_number_].data() + current.storages[bound.scratch].offset;
  }
  Status status = step.kernel->run(
      {views.first(bound.inputs), views.subspan(bound.inputs), scratch, bound.plan.get(), &heap_});
  if (status.ok()) return status;
  return std::move(status).at_node(step.node->name, step.node->type);
}

Result<const GpuPlan*> Run::gpu_plan() {
  if (!started_ || done_ || !session_.gpu_weights()) {
    return error(ErrorCode::INVALID_ARGUMENT, "the run has not been started for a GPU");
  }
  if (binding_->segment.end != session_.lowering().steps.size()) {
    const Node& node = *session_.lowering().steps[binding_->segment.end].node;
    return error(ErrorCode::MODEL_UNSUPPORTED, "%s has a shape that depends on contents",
                 node.label().c_str());
  }
  for (const Slot& slot : session_.lowering().slots) {
    if (!needs_heap(slot.kind, slot.dtype)) continue;
    return error(ErrorCode::MODEL_UNSUPPORTED, "strings, sequences and optionals stay on the CPU")
        .at_tensor(session_.graph().values[slot.value].name);
  }
  if (!binding_->gpu) {
    SX_ASSIGN(GpuPlan plan, plan_gpu(session_.lowering(), binding_->segment, binding_->slots,
                                     *session_.gpu_weights()));
    binding_->gpu = std::make_unique<GpuPlan>(std::move(plan));
  }
  GpuPlan& plan = *binding_->gpu;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    plan.feeds[i].address = reinterpret_cast<uintptr_t>(inputs_[i].data);
  }
  return &plan;
}

Status Run::run_steps(uint32_t begin, uint32_t end) {
  if (!started_ || segment_number_ != 0 || begin > end || end > binding_->segment.steps.size()) {
    return error(ErrorCode::INVALID_ARGUMENT, "steps %u to %u can not run now", begin, end);
  }
  for (uint32_t i = begin; i < end; ++i) {
    Status status = run_step(binding_->segment.steps[i]);
    if (!status.ok()) {
      started_ = false;
      return status;
    }
  }
  return {};
}

void Run::finish_on_gpu() {
  if (!started_ || !binding_->gpu) return;
  done_ = true;
  plan_used_ = binding_->gpu.get();
  position_ = binding_->segment.end;
}

Result<Run::State> Run::advance(double budget_ms) {
  if (done_) return State::kDone;
  if (!started_) return error(ErrorCode::INVALID_ARGUMENT, "the run has not been started");
  const double deadline = budget_ms > 0 ? now_ms() + budget_ms : 0;
  size_t bytes = 0;
  int steps = 0;
  for (;;) {
    const Segment& current = segment(segment_number_);
    if (next_step_ == current.steps.size()) {
      position_ = current.end;
      if (current.end == session_.lowering().steps.size()) break;
      Status status = next_segment();
      if (!status.ok()) {
        started_ = false;
        return status;
      }
      continue;
    }
    const BoundStep& bound = current.steps[next_step_];
    Status status = run_step(bound);
    if (!status.ok()) {
      started_ = false;
      return status;
    }
    ++next_step_;
    position_ = bound.step + 1;
    bytes += bound.output_bytes;
    if (deadline > 0 && (bytes >= kBytesPerClock || ++steps >= kStepsPerClock)) {
      if (now_ms() >= deadline) return State::kYield;
      bytes = 0;
      steps = 0;
    }
  }
  done_ = true;
  plan_used_ = nullptr;
  return State::kDone;
}

TensorView Run::output(size_t index) const {
  if (!done_ || index >= session_.lowering().outputs.size()) return {};
  const SlotTable& slots = segment_number_ == 0 ? binding_->slots : slots_;
  const BoundSlot& slot = slots[session_.lowering().outputs[index]];
  TensorView view = slot.view;
  view.data = const_cast<void*>(
      segment(segment_number_).address(slot.storage, arenas_[segment_number_].data(), inputs_));
  return view;
}

void Run::reset() {
  started_ = done_ = false;
  std::fill(inputs_.begin(), inputs_.end(), TensorView());
  std::fill(fed_boxes_.begin(), fed_boxes_.end(), FedBox());
  heap_.clear();
}

size_t Run::arena_bytes() const {
  size_t total = 0;
  for (const Block& arena : arenas_) total += arena.size();
  return total;
}

std::vector<const Segment*> Run::segments() const {
  std::vector<const Segment*> all;
  if (!binding_) return all;
  for (size_t i = 0; i <= dynamic_.size(); ++i) all.push_back(&segment(i));
  return all;
}

}  // namespace sardonyx
