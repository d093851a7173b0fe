// Slices of a tensor along an axis: the scan inputs of Scan.
#pragma once

#include "base/block.h"
#include "base/status.h"
#include "base/tensor.h"

namespace sardonyx {

class ScanInput {
 public:
  // `batched`: the tensor has a batch axis in front, which `axis` does not count. ATTRIBUTE_INVALID
  // when there is no such axis.
  Status begin(const TensorView& tensor, int64_t axis, bool reversed, bool batched);
  int64_t length() const { return length_; }
  int64_t batch() const { return batch_; }
  // In the tensor itself where the slice is dense, else in memory that the next slice uses again.
  Result<TensorView> slice(int64_t batch, int64_t index);

 private:
  TensorView tensor_;
  Shape slice_shape_;
  bool reversed_ = false;
  int64_t batch_ = 1;
  int64_t length_ = 0;
  int64_t outer_ = 1;       // rows of a batch entry
  size_t inner_bytes_ = 0;  // of one row at one index
  Block memory_;
};

}  // namespace sardonyx
