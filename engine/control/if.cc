// If: one of two bodies, by a condition.
#include <array>

#include "engine/control/call.h"
#include "engine/control/infer_control.h"
#include "engine/frame.h"

namespace sardonyx {
namespace {

constexpr const char* kThen = "then_branch";
constexpr const char* kElse = "else_branch";

Result<ValueFacts> joined(const ValueFacts& a, const ValueFacts& b, size_t output) {
  if (!same_type(a, b)) {
    return error(ErrorCode::DTYPE_UNSUPPORTED, "output %zu is %s in one branch and %s in the other",
                 output, describe_type(a).c_str(), describe_type(b).c_str());
  }
  ValueFacts out = a;
  out.has_shape = a.has_shape && b.has_shape && a.shape.rank() == b.shape.rank();
  if (!out.has_shape) return out;
  for (int axis = 0; axis < out.shape.rank(); ++axis) {
    if (a.shape[axis] != b.shape[axis]) out.shape[axis] = kUnknownDim;
  }
  return out;
}

class IfCall final : public Call {
 public:
  explicit IfCall(const Step& step) : step_(step) {}

  Status begin(std::span<const TensorView> inputs) override {
    inputs_ = inputs;
    taken_ = nullptr;
    SX_ASSIGN(const bool condition, read_condition(inputs[0], "the condition"));
    chosen_ = condition ? 0 : 1;
    return {};
  }

  Result<Frame*> next() override {
    if (taken_) {
      for (size_t i = 0; i < outputs_.size(); ++i) outputs_[i] = taken_->output(i);
      return nullptr;
    }
    const StepBody& branch = step_.body(chosen_ == 0 ? kThen : kElse);
    std::unique_ptr<Frame>& frame = frames_[chosen_];
    const Body& body = branch.body;
    if (!branch.failure.ok()) {
      return branch.failure.clone().in_body(describe_body(*step_.node, body.attribute));
    }
    if (!frame) {
      frame = std::make_unique<Frame>(*branch.lowering, describe_body(*step_.node, body.attribute));
    }
    SX_TRY(frame->start(inputs_.subspan(body.first_capture, body.graph->captured))
               .in_body(frame->place()));
    outputs_.resize(step_.outputs.size());
    return taken_ = frame.get();
  }

  std::vector<Frame*> frames() override {
    std::vector<Frame*> made;
    for (const auto& frame : frames_) {
      if (frame) made.push_back(frame.get());
    }
    return made;
  }

 private:
  const Step& step_;
  std::span<const TensorView> inputs_;
  std::array<std::unique_ptr<Frame>, 2> frames_;
  size_t chosen_ = 0;
  Frame* taken_ = nullptr;
};

}  // namespace

// A branch that does not fit what is known is no error here: models guard it by the condition.
Status infer_if(const Node& node, NodeFacts& facts) {
  SX_ASSIGN(const Body then_body, require_body(node, kThen));
  SX_ASSIGN(const Body else_body, require_body(node, kElse));
  SX_TRY(check_body(node, then_body, 0, facts.outputs.size()));
  SX_TRY(check_body(node, else_body, 0, facts.outputs.size()));
  if (operand_count(node) != 1) {
    return error(ErrorCode::MODEL_MALFORMED, "%zu inputs given, 1 allowed", operand_count(node));
  }
  std::array<bool, 2> wanted{true, true};
  if (facts.inputs[0].value) {
    SX_ASSIGN(const bool condition, read_condition(*facts.inputs[0].value, "the condition"));
    wanted[condition ? 1 : 0] = false;
  }
  Status then_status, else_status;
  if (wanted[0]) then_status = infer_body(node, then_body, facts);
  if (wanted[1]) else_status = infer_body(node, else_body, facts);
  for (Status* status : {&then_status, &else_status}) {
    if (status->code() == ErrorCode::OPERATOR_UNSUPPORTED) return std::move(*status);
  }
  const bool then_fits = wanted[0] && then_status.ok();
  const bool else_fits = wanted[1] && else_status.ok();
  if (!then_fits && !else_fits) return wanted[0] ? std::move(then_status) : std::move(else_status);
  for (size_t i = 0; i < facts.outputs.size(); ++i) {
    ValueFacts& output = facts.outputs[i];
    output = body_output(then_fits ? then_body : else_body, i);
    if (then_fits && else_fits) {
      SX_ASSIGN(output, joined(output, body_output(else_body, i), i));
    } else if (wanted[0] && wanted[1] && output.kind == ValueKind::kTensor) {
      output.has_shape = false;
    }
  }
  return {};
}

std::unique_ptr<Call> make_if_call(const Step& step) {
  return std::make_unique<IfCall>(step);
}

}  // namespace sardonyx
