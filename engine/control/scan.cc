// Scan: a body over the slices of tensors, with states that go from one slice to the next.
#include <algorithm>

#include "engine/control/call.h"
#include "engine/control/carried.h"
#include "engine/control/infer_control.h"
#include "engine/control/scan_form.h"
#include "engine/control/scan_input.h"
#include "engine/control/stack.h"
#include "engine/frame.h"
#include "ops/shape_rule.h"

namespace sardonyx {
namespace {

class ScanCall final : public Call {
 public:
  explicit ScanCall(const Step& step)
      : step_(step),
        body_(step.body("body").body),
        frame_(*step.body("body").lowering, describe_body(*step.node, "body")) {
    outputs_.resize(step.outputs.size());
    feeds_.resize(body_.graph->inputs.size());
  }

  Status begin(std::span<const TensorView> inputs) override {
    SX_ASSIGN(form_, ScanForm::read(*step_.node, outputs_.size()));
    inputs_ = inputs;
    running_ = false;
    batch_ = index_ = 0;
    SX_TRY(begin_inputs());
    SX_TRY(read_lengths());
    states_.resize(form_.states);
    final_states_.resize(form_.batched ? form_.states : 0);
    scans_.resize(form_.outputs);
    for (size_t i = 0; i < form_.states; ++i) {
      SX_TRY(check_state(inputs_[form_.first + i]));
      if (form_.batched) final_states_[i].begin(batches_, 0);
    }
    for (size_t i = 0; i < form_.outputs; ++i) {
      scans_[i].begin(form_.batched ? batches_ * length_ : length_, form_.output_axes[i]);
    }
    std::copy_n(inputs.begin() + static_cast<std::ptrdiff_t>(body_.first_capture),
                body_.graph->captured,
                feeds_.begin() + static_cast<std::ptrdiff_t>(body_.own_inputs()));
    return begin_batch();
  }

  Result<Frame*> next() override {
    if (running_) SX_TRY(end_iteration());
    while (batch_ < batches_ && index_ == length_of(batch_)) {
      SX_TRY(end_batch());
      ++batch_;
      index_ = 0;
      SX_TRY(begin_batch());
    }
    running_ = batch_ < batches_;
    if (!running_) {
      SX_TRY(set_outputs());
      return nullptr;
    }
    for (size_t i = 0; i < form_.states; ++i) feeds_[i] = states_[i].view();
    for (size_t i = 0; i < form_.inputs; ++i) {
      SX_ASSIGN(feeds_[form_.states + i], slices_[i].slice(batch_, index_));
    }
    SX_TRY(frame_.start(feeds_).in_body(frame_.place()));
    return &frame_;
  }

  std::vector<Frame*> frames() override { return {&frame_}; }

 private:
  Status begin_inputs() {
    slices_.resize(form_.inputs);
    for (size_t i = 0; i < form_.inputs; ++i) {
      SX_TRY(slices_[i].begin(inputs_[form_.first + form_.states + i], form_.input_axes[i],
                              form_.input_reversed[i], form_.batched));
      if (slices_[i].length() == slices_[0].length() && slices_[i].batch() == slices_[0].batch()) {
        continue;
      }
      return error(ErrorCode::SHAPE_MISMATCH, "scan input %zu has %lld slices, the first has %lld",
                   i, static_cast<long long>(slices_[i].length()),
                   static_cast<long long>(slices_[0].length()));
    }
    length_ = slices_[0].length();
    batches_ = slices_[0].batch();
    return {};
  }

  Status read_lengths() {
    lengths_ = {};
    if (!form_.batched || !inputs_[0].present()) return {};
    const TensorView& view = inputs_[0];
    if (view.dtype != DType::kInt64 || view.elements() != batches_) {
      return error(ErrorCode::SHAPE_MISMATCH,
                   "sequence_lens has shape %s, one int64 per batch "
                   "entry is wanted",
                   view.shape.to_string().c_str());
    }
    lengths_ = {view.as<const int64_t>(), static_cast<size_t>(batches_)};
    for (int64_t length : lengths_) {
      if (length >= 0 && length <= length_) continue;
      return error(ErrorCode::VALUE_RANGE, "a sequence length is %lld, of %lld slices",
                   static_cast<long long>(length), static_cast<long long>(length_));
    }
    return {};
  }

  int64_t length_of(int64_t batch) const {
    return lengths_.empty() ? length_ : lengths_[static_cast<size_t>(batch)];
  }

  Status check_state(const TensorView& state) const {
    if (!form_.batched || (state.shape.rank() > 0 && state.shape[0] == batches_)) return {};
    return error(ErrorCode::SHAPE_MISMATCH, "a state has shape %s for a batch of %lld",
                 state.shape.to_string().c_str(), static_cast<long long>(batches_));
  }

  // States begin with what the operands give for the batch entry.
  Status begin_batch() {
    if (batch_ == batches_) return {};
    for (size_t i = 0; i < form_.states; ++i) {
      const TensorView& operand = inputs_[form_.first + i];
      if (!form_.batched) {
        states_[i].begin(operand);
        continue;
      }
      ScanInput entries;
      SX_TRY(entries.begin(operand, 0, false, false));
      SX_ASSIGN(const TensorView state, entries.slice(0, batch_));
      states_[i].begin(state);
    }
    return {};
  }

  Status end_iteration() {
    for (size_t i = 0; i < form_.states; ++i) {
      const TensorView output = frame_.output(i);
      if (!(output.shape == states_[i].view().shape)) {
        return error(ErrorCode::SHAPE_MISMATCH, "state %zu goes from shape %s to %s", i,
                     states_[i].view().shape.to_string().c_str(), output.shape.to_string().c_str());
      }
      SX_TRY(states_[i].stage(output));
    }
    for (size_t i = 0; i < form_.outputs; ++i) {
      const int64_t at = form_.output_reversed[i] ? length_ - 1 - index_ : index_;
      SX_TRY(scans_[i].put(batch_ * length_ + at, frame_.output(form_.states + i)));
    }
    for (Carried& state : states_) state.commit();
    ++index_;
    return {};
  }

  Status end_batch() {
    for (size_t i = 0; i < final_states_.size(); ++i) {
      SX_TRY(final_states_[i].put(batch_, states_[i].view()));
    }
    return {};
  }

  Status set_outputs() {
    for (size_t i = 0; i < form_.states; ++i) {
      if (!form_.batched) {
        outputs_[i] = states_[i].view();
      } else if (batches_ == 0) {
        outputs_[i] = inputs_[form_.first + i];
      } else {
        SX_ASSIGN(outputs_[i], final_states_[i].finish({}));
      }
    }
    for (size_t i = 0; i < form_.outputs; ++i) {
      TensorView& output = outputs_[form_.states + i];
      const ValueFacts facts = body_output(body_, form_.states + i);
      SX_ASSIGN(output, scans_[i].finish({facts.dtype, Layout::kRowMajor, facts.shape, nullptr}));
      if (form_.batched) SX_TRY(split_batch(output));
    }
    return {};
  }

  // [batch * length, …] becomes [batch, length, …].
  Status split_batch(TensorView& output) const {
    const ValueFacts entry{output.dtype, true, output.shape, nullptr};
    SX_ASSIGN(const ValueFacts facts, stacked(entry, 0, batches_));
    output.shape = facts.shape;
    output.shape[1] = length_;
    return {};
  }

  const Step& step_;
  const Body body_;
  Frame frame_;
  ScanForm form_;
  std::span<const TensorView> inputs_;
  std::span<const int64_t> lengths_;  // per batch entry; empty: all full
  std::vector<ScanInput> slices_;
  std::vector<Carried> states_;
  std::vector<Stack> final_states_;  // per batch entry
  std::vector<Stack> scans_;
  std::vector<TensorView> feeds_;
  int64_t batches_ = 1, length_ = 0;
  int64_t batch_ = 0, index_ = 0;
  bool running_ = false;  // an iteration has been started
};

// Without its axis `axis`.
Result<ValueFacts> slice_facts(const ValueFacts& operand, int64_t axis) {
  ValueFacts out = operand;
  out.value = nullptr;
  if (operand.kind != ValueKind::kTensor) {
    return error(ErrorCode::DTYPE_UNSUPPORTED, "a %s has no axis to scan",
                 kind_name(operand.kind).data());
  }
  if (!operand.has_shape) return out;
  if (operand.shape.rank() == 0) {
    return error(ErrorCode::SHAPE_MISMATCH, "a scalar has no axis to scan");
  }
  SX_ASSIGN(const int at, ops::check_axis(axis, operand.shape.rank()));
  out.shape = {};
  for (int i = 0; i < operand.shape.rank(); ++i) {
    if (i != at) out.shape.push_back(operand.shape[i]);
  }
  return out;
}

Status set_body_inputs(const Body& body, const ScanForm& form, const NodeFacts& facts) {
  for (size_t i = 0; i < form.states + form.inputs; ++i) {
    ValueFacts operand = facts.inputs[form.first + i];
    if (!operand.present()) {
      return error(ErrorCode::GRAPH_INPUT_MISSING, "input %zu is required", form.first + i);
    }
    if (form.batched) {
      SX_ASSIGN(operand, slice_facts(operand, 0));
    }
    if (i >= form.states) {
      SX_ASSIGN(operand, slice_facts(operand, form.input_axes[i - form.states]));
    }
    operand.value = nullptr;
    SX_TRY(set_body_input(body, i, operand));
  }
  return {};
}

// The number of slices and batch entries as far as known.
int64_t known_dim(const ScanForm& form, const NodeFacts& facts, int64_t axis) {
  const ValueFacts& operand = facts.inputs[form.first + form.states];
  if (!operand.has_shape) return kUnknownDim;
  return operand.shape[normalize_axis(axis, operand.shape.rank()).value_or(0)];
}

}  // namespace

Status infer_scan(const Node& node, NodeFacts& facts) {
  SX_ASSIGN(const Body body, require_body(node, "body"));
  SX_ASSIGN(const ScanForm form, ScanForm::read(node, facts.outputs.size()));
  SX_TRY(check_body(node, body, form.states + form.inputs, facts.outputs.size()));
  SX_TRY(set_body_inputs(body, form, facts));
  SX_TRY(infer_body(node, body, facts));
  for (size_t i = 0; i < form.states; ++i) {
    facts.outputs[i] = facts.inputs[form.first + i];
    facts.outputs[i].value = nullptr;
    const ValueFacts next = body_output(body, i);
    if (same_type(next, facts.outputs[i])) continue;
    return error(ErrorCode::DTYPE_UNSUPPORTED, "state %zu begins as %s and goes on as %s", i,
                 describe_type(facts.outputs[i]).c_str(), describe_type(next).c_str());
  }
  const int64_t length = known_dim(form, facts, form.batched ? 1 : form.input_axes[0]);
  for (size_t i = 0; i < form.outputs; ++i) {
    ValueFacts& output = facts.outputs[form.states + i];
    SX_ASSIGN(output, stacked(body_output(body, form.states + i), form.output_axes[i], length));
    if (form.batched) {
      SX_ASSIGN(output, stacked(output, 0, known_dim(form, facts, 0)));
    }
  }
  return {};
}

std::unique_ptr<Call> make_scan_call(const Step& step) {
  return std::make_unique<ScanCall>(step);
}

}  // namespace sardonyx
