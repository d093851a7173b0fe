// Loop: a body, again and again, until a count or a condition ends it.
#include <algorithm>
#include <limits>

#include "engine/control/call.h"
#include "engine/control/carried.h"
#include "engine/control/infer_control.h"
#include "engine/control/stack.h"
#include "engine/frame.h"
#include "ops/shape_rule.h"

namespace sardonyx {
namespace {

// Trip count and condition come before the carried values: as operands, and as inputs of the body,
// where the first is the number of the iteration. Of the body's outputs the first is the condition.
constexpr size_t kFixedInputs = 2;
constexpr size_t kFixedOutputs = 1;

class LoopCall final : public Call {
 public:
  explicit LoopCall(const Step& step)
      : body_(step.body("body").body),
        frame_(*step.body("body").lowering, describe_body(*step.node, "body")) {
    carried_.resize(body_.own_inputs() - kFixedInputs);
    stacks_.resize(body_.graph->outputs.size() - kFixedOutputs - carried_.size());
    feeds_.resize(body_.graph->inputs.size());
    outputs_.resize(step.outputs.size());
  }

  Status begin(std::span<const TensorView> inputs) override {
    iteration_ = 0;
    running_ = false;
    count_ = std::numeric_limits<int64_t>::max();
    condition_ = 1;
    if (inputs[0].present()) {
      SX_ASSIGN(count_, ops::int_scalar(inputs[0]));
    }
    if (count_ < 0) {
      return error(ErrorCode::VALUE_RANGE, "the trip count is %lld",
                   static_cast<long long>(count_));
    }
    if (inputs[1].present()) {
      SX_ASSIGN(condition_, read_condition(inputs[1], "the condition"));
    }
    for (size_t i = 0; i < carried_.size(); ++i) carried_[i].begin(inputs[kFixedInputs + i]);
    for (Stack& stack : stacks_) stack.begin(kUnknownDim, 0);
    feeds_[0] = scalar_feed(0, DType::kInt64, &iteration_);
    feeds_[1] = scalar_feed(1, DType::kBool, &condition_);
    std::copy_n(inputs.begin() + static_cast<std::ptrdiff_t>(body_.first_capture),
                body_.graph->captured,
                feeds_.begin() + static_cast<std::ptrdiff_t>(body_.own_inputs()));
    return {};
  }

  Result<Frame*> next() override {
    if (running_) SX_TRY(end_iteration());
    running_ = condition_ && iteration_ < count_;
    if (!running_) {
      SX_TRY(set_outputs());
      return nullptr;
    }
    for (size_t i = 0; i < carried_.size(); ++i) {
      TensorView& feed = feeds_[kFixedInputs + i];
      feed = carried_[i].view();
      feed.kind = body_.graph->values[body_.graph->inputs[kFixedInputs + i]].kind;
    }
    SX_TRY(frame_.start(feeds_).in_body(frame_.place()));
    return &frame_;
  }

  std::vector<Frame*> frames() override { return {&frame_}; }

 private:
  // Some models want the two as lists of one element.
  TensorView scalar_feed(size_t input, DType dtype, void* data) const {
    return {dtype, Layout::kRowMajor, body_.graph->values[body_.graph->inputs[input]].shape, data};
  }

  Status end_iteration() {
    SX_ASSIGN(condition_, read_condition(frame_.output(0), "the condition of the body"));
    for (size_t i = 0; i < carried_.size(); ++i) {
      SX_TRY(carried_[i].stage(frame_.output(kFixedOutputs + i)));
    }
    for (size_t i = 0; i < stacks_.size(); ++i) {
      SX_TRY(stacks_[i].put(iteration_, frame_.output(kFixedOutputs + carried_.size() + i)));
    }
    for (Carried& carried : carried_) carried.commit();
    ++iteration_;
    return {};
  }

  Status set_outputs() {
    for (size_t i = 0; i < carried_.size(); ++i) {
      outputs_[i] = carried_[i].view();
      outputs_[i].kind = body_output(body_, kFixedOutputs + i).kind;
    }
    for (size_t i = 0; i < stacks_.size(); ++i) {
      const size_t number = carried_.size() + i;
      const ValueFacts facts = body_output(body_, kFixedOutputs + number);
      SX_ASSIGN(outputs_[number],
                stacks_[i].finish({facts.dtype, Layout::kRowMajor, facts.shape, nullptr}));
    }
    return {};
  }

  const Body body_;
  Frame frame_;
  std::vector<Carried> carried_;
  std::vector<Stack> stacks_;
  std::vector<TensorView> feeds_;
  int64_t iteration_ = 0;
  int64_t count_ = 0;
  uint8_t condition_ = 0;  // as a bool tensor has it
  bool running_ = false;   // an iteration has been started
};

// As the body declares it: a scalar or a list of one.
ValueFacts scalar_facts(const Body& body, size_t input, DType dtype) {
  const Value& value = body.graph->values[body.graph->inputs[input]];
  const bool list = value.has_shape && value.shape.rank() == 1;
  return {dtype, true, list ? Shape{1} : Shape{}, nullptr};
}

void forget_shape(ValueFacts& facts) {
  facts.has_shape = facts.kind != ValueKind::kTensor;
}

Status infer_carried(const Body& body, size_t i, const ValueFacts& initial) {
  if (!initial.present()) {
    return error(ErrorCode::GRAPH_INPUT_MISSING, "carried value %zu has no initial value", i);
  }
  const size_t input = kFixedInputs + i;
  const size_t output = kFixedOutputs + i;
  forget_output_shape(body, output);
  ValueFacts facts = initial;
  // Only what the body hands on as it is keeps its shape.
  if (body.graph->inputs[input] != body.graph->outputs[output]) forget_shape(facts);
  return set_body_input(body, input, facts);
}

Status check_carried(const Body& body, size_t i, const ValueFacts& initial) {
  const ValueFacts next = body_output(body, kFixedOutputs + i);
  if (same_type(next, initial)) return {};
  // A box that holds a sequence stands for the optional as well.
  if (next.dtype == initial.dtype && next.kind == ValueKind::kSequence &&
      initial.kind == ValueKind::kOptionalSequence) {
    return {};
  }
  return error(ErrorCode::DTYPE_UNSUPPORTED, "carried value %zu begins as %s and goes on as %s", i,
               describe_type(initial).c_str(), describe_type(next).c_str());
}

}  // namespace

Status infer_loop(const Node& node, NodeFacts& facts) {
  SX_ASSIGN(const Body body, require_body(node, "body"));
  const size_t operands = operand_count(node);
  if (operands < kFixedInputs) {
    return error(ErrorCode::GRAPH_INPUT_MISSING, "trip count and condition must be inputs");
  }
  const size_t carried = operands - kFixedInputs;
  if (facts.outputs.size() < carried) {
    return error(ErrorCode::MODEL_MALFORMED, "%zu outputs named for %zu carried values",
                 facts.outputs.size(), carried);
  }
  SX_TRY(check_body(node, body, operands, facts.outputs.size() + kFixedOutputs));
  SX_TRY(set_body_input(body, 0, scalar_facts(body, 0, DType::kInt64)));
  SX_TRY(set_body_input(body, 1, scalar_facts(body, 1, DType::kBool)));
  for (size_t i = 0; i < carried; ++i) {
    SX_TRY(infer_carried(body, i, facts.inputs[kFixedInputs + i]));
  }
  SX_TRY(infer_body(node, body, facts));
  if (!same_type(body_output(body, 0), scalar_facts(body, 1, DType::kBool))) {
    return error(ErrorCode::DTYPE_UNSUPPORTED, "the condition of the body is no bool");
  }
  for (size_t i = 0; i < carried; ++i) {
    SX_TRY(check_carried(body, i, facts.inputs[kFixedInputs + i]));
    facts.outputs[i] = body_output(body, kFixedOutputs + i);
    // Without an iteration the initial value comes out.
    const bool same =
        body.graph->inputs[kFixedInputs + i] == body.graph->outputs[kFixedOutputs + i];
    if (!same) forget_shape(facts.outputs[i]);
  }
  for (size_t i = carried; i < facts.outputs.size(); ++i) {
    SX_ASSIGN(facts.outputs[i], stacked(body_output(body, kFixedOutputs + i), 0, kUnknownDim));
  }
  return {};
}

std::unique_ptr<Call> make_loop_call(const Step& step) {
  return std::make_unique<LoopCall>(step);
}

}  // namespace sardonyx
