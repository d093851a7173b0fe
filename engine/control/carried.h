// Values that a body hands to its next iteration.
#pragma once

#include "base/block.h"
#include "base/status.h"
#include "base/tensor.h"
#include "base/value_heap.h"

namespace sardonyx {

// One loop-carried value or state. The outputs of an iteration may lie in memory that other carried
// values still need, so all are staged before any is committed.
class Carried {
 public:
  // `initial` must stay valid until the loop has ended.
  void begin(const TensorView& initial) { view_ = initial; }
  const TensorView& view() const { return view_; }

  // Copies the output of an iteration, unless it is the value itself.
  Status stage(const TensorView& output);
  void commit();

 private:
  TensorView view_;
  TensorView staged_;
  Block memory_, spare_;
  ValueHeap heap_, spare_heap_;
};

}  // namespace sardonyx
