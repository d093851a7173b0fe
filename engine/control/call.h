// Executing a step that has bodies.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace sardonyx {

class Frame;
struct Step;

// One execution at a time of an If, Loop or Scan. It says which frame runs next; who runs frames
// (Run::advance) keeps the stack of them. Memory stays for the next execution.
class Call {
 public:
  virtual ~Call() = default;
  // `inputs` of the step, captures included, are valid until the call has ended.
  virtual Status begin(std::span<const TensorView> inputs) = 0;
  // Asked after begin() and whenever the frame that it gave last has ended. The next frame,
  // started, or null: the call has ended.
  virtual Result<Frame*> next() = 0;
  // After the end, one view per output of the step, valid until the next begin().
  std::span<const TensorView> outputs() const { return outputs_; }
  // Of its bodies that have run.
  virtual std::vector<Frame*> frames() = 0;

 protected:
  std::vector<TensorView> outputs_;
};

std::unique_ptr<Call> make_if_call(const Step& step);
std::unique_ptr<Call> make_loop_call(const Step& step);
std::unique_ptr<Call> make_scan_call(const Step& step);
// For a step of an operator with kControlFlow.
std::unique_ptr<Call> make_call(const Step& step);

// The one element of a condition; SHAPE_MISMATCH, DTYPE_UNSUPPORTED.
Result<bool> read_condition(const TensorView& view, const char* what);

}  // namespace sardonyx
