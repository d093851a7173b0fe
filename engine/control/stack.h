// Tensors of one shape, put together along a new axis: the scan outputs of Loop and Scan.
#pragma once

#include "base/block.h"
#include "base/status.h"
#include "base/tensor.h"
#include "base/value_heap.h"

namespace sardonyx {

// Keeps its memory from one use to the next. Places without a tensor hold zeros.
class Stack {
 public:
  // `length`: how many there will be, or kUnknownDim: as many as are put.
  void begin(int64_t length, int64_t axis);
  // The first one tells the shape; SHAPE_MISMATCH, LIMIT_EXCEEDED, ATTRIBUTE_INVALID of the axis.
  Status put(int64_t index, const TensorView& element);
  // `element`: what is known of the elements' type, for a stack without any; unknown dims are 0.
  Result<TensorView> finish(const TensorView& element);

 private:
  Status start(const TensorView& element);
  Status reserve(int64_t count);

  int64_t length_ = kUnknownDim;
  int64_t axis_ = 0;
  int64_t count_ = 0;
  bool started_ = false;
  TensorView element_;
  int64_t outer_ = 1;  // elements before the axis
  Shape row_shape_;    // the elements behind it
  size_t inner_bytes_ = 0;
  Block memory_;
  ValueHeap heap_;
};

}  // namespace sardonyx
