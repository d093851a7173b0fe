// What shape rules share: checks of arity, dtype and axis, and reading shapes out of tensors.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/status.h"
#include "base/tensor.h"
#include "ops/operator.h"

namespace sardonyx::ops {

// The first `required` inputs are there, at most `maximum` are given, and 1 to `max_outputs`
// outputs. GRAPH_INPUT_MISSING, MODEL_MALFORMED.
Status check_arity(const InferContext& context, size_t required, size_t maximum,
                   size_t max_outputs = 1);

// DTYPE_UNSUPPORTED unless the input is absent or has one of the dtypes.
Status check_dtype(const InferContext& context, size_t input, std::initializer_list<DType> allowed);
// DTYPE_UNSUPPORTED naming the dtype.
Status unsupported_dtype(DType dtype);
// Inputs `a` and `b`, if present, are of one dtype; DTYPE_UNSUPPORTED.
Status check_same_dtype(const InferContext& context, size_t a, size_t b);

// Bytes per element; DTYPE_UNSUPPORTED for elements below 8 bits.
Result<size_t> element_bytes(DType dtype);
// The same as a check.
Status check_movable(DType dtype);

// Axis in [0, rank); ATTRIBUTE_INVALID.
Result<int> check_axis(int64_t axis, int rank);

// Up to 2 * kMaxRank integers, in place.
class IntList {
 public:
  IntList() = default;
  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  int64_t operator[](int i) const { return values_[static_cast<size_t>(i)]; }
  int64_t& operator[](int i) { return values_[static_cast<size_t>(i)]; }
  const int64_t* begin() const { return values_.data(); }
  const int64_t* end() const { return values_.data() + size_; }
  // False when full.
  bool push_back(int64_t value);

 private:
  std::array<int64_t, 2 * kMaxRank> values_{};
  int size_ = 0;
};

// The dtype that an attribute names by its ONNX number; `fallback` when it is absent or 0.
// ATTRIBUTE_INVALID.
Result<DType> dtype_attribute(const Attributes& attributes, const char* name, DType fallback);

// The integers of an attribute; ATTRIBUTE_INVALID when there are too many.
Result<IntList> int_list(std::span<const int64_t> values);
// The integers of an int64 or int32 tensor of rank 0 or 1; DTYPE_UNSUPPORTED, SHAPE_MISMATCH,
// LIMIT_EXCEEDED above 2 * kMaxRank elements.
Result<IntList> int_list(const TensorView& tensor);
// Those of input i if they are known. Checks dtype and rank as far as known in any case.
Result<std::optional<IntList>> known_ints(const InferContext& context, size_t input);
// The dtype and rank checks of int_list().
Status check_int_list(const ValueFacts& facts);

// The only element of an int64 or int32 tensor, as the kernel sees it.
Result<int64_t> int_scalar(const TensorView& tensor);

// Axes in [0, rank) as a bit mask; `code` when one is out of range or named twice.
Result<uint32_t> axis_mask(const IntList& axes, int rank, ErrorCode code);

// Inputs [first, first + count) as one broadcast shape into output 0 of the given dtype.
// SHAPE_MISMATCH.
Status set_broadcast_output(InferContext& context, DType dtype, size_t first, size_t count);
// Output 0 is like input 0.
Status same_as_input(InferContext& context);

// Elements of `from` to `to`, bytewise; both hold as many bytes. Empty and null are fine.
void copy_bytes(void* to, const void* from, size_t bytes);
void copy_tensor(const TensorView& to, const TensorView& from);

}  // namespace sardonyx::ops
