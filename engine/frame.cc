#include "engine/frame.h"

#include <algorithm>

#include "engine/clock.h"

namespace sardonyx {
namespace {

// Bindings kept per frame and segment; streaming and decoding alternate between few shapes or see
// each once.
constexpr size_t kMaxBindings = 4;

// The clock is read once per this many bytes written or steps run: it costs about 0.1 µs, a step of
// a small model not much more.
constexpr size_t kBytesPerClock = size_t{128} << 10;
constexpr int kStepsPerClock = 16;

// How much larger than needed an arena becomes that has been too small, at most: so that one that
// grows with a decoder's past is seldom allocated.
constexpr size_t kMaxArenaRoom = size_t{1} << 20;

}  // namespace

Slice::Slice(double budget_ms) : deadline_(budget_ms > 0 ? now_ms() + budget_ms : 0) {}

bool Slice::used_up(size_t bytes) {
  if (deadline_ <= 0) return false;
  bytes_ += bytes;
  if (bytes_ < kBytesPerClock && ++steps_ < kStepsPerClock) return false;
  bytes_ = 0;
  steps_ = 0;
  return now_ms() >= deadline_;
}

Frame::Binding::Binding(uint32_t number, std::span<const TensorView> shapes)
    : id(number), key(shapes.begin(), shapes.end()) {
  for (TensorView& view : key) view.data = nullptr;
}

Frame::Frame(const Lowering& lowering, std::string place)
    : lowering_(lowering), place_(std::move(place)), addresses_(lowering.slots.size(), nullptr) {
  const auto calls = std::count_if(lowering.steps.begin(), lowering.steps.end(),
                                   [](const Step& step) { return !step.bodies.empty(); });
  max_bindings_ = kMaxBindings * (static_cast<size_t>(calls) + 1);
}

Frame::~Frame() = default;

Status Frame::start(std::span<const TensorView> inputs) {
  inputs_.assign(inputs.begin(), inputs.end());
  heap_.clear();
  // What an earlier execution has made must not be taken for contents of this one.
  std::fill(addresses_.begin(), addresses_.end(), nullptr);
  for (size_t i = 0; i < inputs_.size(); ++i) addresses_[lowering_.inputs[i]] = inputs_[i].data;
  path_.clear();
  transient_.clear();
  position_ = 0;
  return enter_segment(inputs_);
}

Frame::Binding* Frame::find_binding(uint32_t after, std::span<const TensorView> key) {
  const auto same = [&](const std::unique_ptr<Binding>& binding) {
    return binding->after == after &&
           std::equal(key.begin(), key.end(), binding->key.begin(), binding->key.end(),
                      [](const TensorView& a, const TensorView& b) {
                        return a.dtype == b.dtype && a.kind == b.kind && a.shape == b.shape;
                      });
  };
  const auto found = std::find_if(bindings_.begin(), bindings_.end(), same);
  if (found == bindings_.end()) return nullptr;
  std::rotate(bindings_.begin(), found, found + 1);
  return bindings_.front().get();
}

Result<std::unique_ptr<Frame::Binding>> Frame::make_binding(std::span<const TensorView> key) {
  if (path_.empty()) return bind_first(key);
  auto binding = std::make_unique<Binding>(++last_id_, key);
  const Segment& before = current().segment;
  binding->after = current().id;
  binding->slots = current().slots;
  if (before.ends_with_call) {
    const Step& call = step(before.steps.back());
    for (size_t i = 0; i < call.outputs.size(); ++i) {
      if (call.outputs[i] == kNoSlot) continue;
      binding->slots[call.outputs[i]] = {binding->key[i], true, false, kNoStorage};
    }
  }
  SX_ASSIGN(binding->segment, bind_segment(lowering_, binding->slots, before.end, addresses_));
  return binding;
}

Result<std::unique_ptr<Frame::Binding>> Frame::bind_first(std::span<const TensorView> key) {
  auto binding = std::make_unique<Binding>(++last_id_, key);
  binding->slots = initial_slots(lowering_, binding->key);
  SX_ASSIGN(binding->segment, bind_segment(lowering_, binding->slots, 0, {}));
  return binding;
}

// The segments of this execution are the last to go: they have just been used.
void Frame::keep_binding(std::unique_ptr<Binding> binding) {
  if (bindings_.size() == max_bindings_) bindings_.pop_back();
  bindings_.insert(bindings_.begin(), std::move(binding));
}

// What can not be bound is told by the execution that wants it.
void Frame::bind_ahead(std::span<const TensorView> key) {
  if (path_.size() != 1 || !transient_.empty() || !current().segment.is_whole(lowering_)) return;
  if (find_binding(0, key)) return;
  Result<std::unique_ptr<Binding>> made = bind_first(key);
  if (made.ok()) keep_binding(made.take());
}

Status Frame::reserve_arena(size_t bytes) {
  if (arenas_.size() < path_.size()) arenas_.resize(path_.size());
  Block& arena = arenas_[path_.size() - 1];
  if (arena && arena.size() >= bytes) return {};
  const size_t room = arena ? std::min(bytes / 4, kMaxArenaRoom) : 0;
  arena = Block();
  SX_ASSIGN(arena, Block::allocate(uint64_t{bytes} + room));
  return {};
}

Status Frame::enter_segment(std::span<const TensorView> key) {
  Binding* binding = find_binding(path_.empty() ? 0 : current().id, key);
  if (!binding) {
    SX_ASSIGN(std::unique_ptr<Binding> made, make_binding(key));
    binding = made.get();
    if (binding->segment.reads_contents || !transient_.empty()) {
      transient_.push_back(std::move(made));
    } else {
      keep_binding(std::move(made));
    }
  }
  path_.push_back(binding);
  next_step_ = 0;
  SX_TRY(reserve_arena(binding->segment.arena_bytes));
  binding->segment.resolve(memory());
  return {};
}

// Publishes where everything is that the segment has made.
Status Frame::next_segment() {
  const Segment& before = current().segment;
  for (SlotId id : before.leaving) {
    addresses_[id] = before.address(current().slots[id].storage, memory());
  }
  if (!before.ends_with_call) return enter_segment({});
  const BoundStep& bound = before.steps.back();
  const std::span outputs(before.views.data() + bound.first_view + bound.inputs, bound.outputs);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const SlotId id = step(bound).outputs[i];
    if (id != kNoSlot) addresses_[id] = outputs[i].data;
  }
  return enter_segment(outputs);
}

Status Frame::run_step(const BoundStep& bound) {
  const Segment& segment = current().segment;
  const std::span<const TensorView> views(segment.views.data() + bound.first_view,
                                          size_t{bound.inputs} + bound.outputs);
  uint8_t* scratch = nullptr;
  if (bound.scratch != kNoStorage)
    scratch = memory().arena + segment.storages[bound.scratch].offset;
  const RunContext context{views.first(bound.inputs), views.subspan(bound.inputs), scratch,
                           bound.plan.get(), &heap_};
  Status status = times_.empty() ? step(bound).kernel->run(context) : run_timed(bound, context);
  if (status.ok()) return status;
  const Node& node = *step(bound).node;
  return std::move(status).at_node(node.name, node.type);
}

Status Frame::run_steps(uint32_t begin, uint32_t end) {
  const std::vector<BoundStep>& steps = binding().segment.steps;
  if (path_.size() != 1 || begin > end || end > steps.size()) {
    return error(ErrorCode::INVALID_ARGUMENT, "steps %u to %u can not run now", begin, end);
  }
  for (uint32_t i = begin; i < end; ++i) SX_TRY(run_step(steps[i]));
  return {};
}

Result<Frame::Event> Frame::advance(Slice& slice) {
  for (;;) {
    const Segment& segment = current().segment;
    if (next_step_ == segment.steps.size()) {
      position_ = segment.end;
      if (segment.is_whole(lowering_)) return Event::kEnd;
      SX_TRY(next_segment());
      continue;
    }
    const BoundStep& bound = segment.steps[next_step_];
    if (!step(bound).bodies.empty()) return Event::kCall;
    SX_TRY(run_step(bound));
    ++next_step_;
    position_ = bound.step + 1;
    if (slice.used_up(bound.output_bytes)) return Event::kYield;
  }
}

Status Frame::begin_call() {
  const BoundStep& bound = current_step();
  std::unique_ptr<Call>& call = calls_[bound.step];
  if (!call) call = make_call(step(bound));
  Status status = call->begin({current().segment.views.data() + bound.first_view, bound.inputs});
  const Node& node = *step(bound).node;
  return std::move(status).at_node(node.name, node.type);
}

Result<Frame*> Frame::continue_call() {
  Call& call = *calls_[current_step().step];
  Result<Frame*> next = call.next();
  if (!next.ok()) {
    const Node& node = *step(current_step()).node;
    return next.take_status().at_node(node.name, node.type);
  }
  if (!*next) {
    end_call(call);
  } else if (measures() && !(*next)->measures()) {
    (*next)->measure(true);
  }
  return *next;
}

void Frame::end_call(const Call& call) {
  static uint8_t nothing;
  const BoundStep& bound = current_step();
  TensorView* views = current().segment.views.data() + bound.first_view + bound.inputs;
  for (size_t i = 0; i < bound.outputs; ++i) {
    if (step(bound).outputs[i] == kNoSlot) continue;
    views[i] = call.outputs()[i];
    if (!views[i].data) views[i].data = &nothing;  // no elements
  }
  if (measures()) ++times_[bound.step].calls;
  position_ = bound.step + 1;
  ++next_step_;
}

TensorView Frame::output(size_t index) const {
  const BoundSlot& slot = current().slots[lowering_.outputs[index]];
  TensorView view = slot.view;
  view.data = current().segment.address(slot.storage, memory());
  return view;
}

size_t Frame::arena_bytes() const {
  size_t total = 0;
  for (const Block& arena : arenas_) total += arena.size();
  for (const auto& [step, call] : calls_) {
    for (const Frame* frame : call->frames()) total += frame->arena_bytes();
  }
  return total;
}

std::vector<const Segment*> Frame::segments() const {
  std::vector<const Segment*> all;
  for (const Binding* binding : path_) all.push_back(&binding->segment);
  return all;
}

}  // namespace sardonyx
