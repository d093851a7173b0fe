// What operators on sequences and optionals share.
#pragma once

#include <cstdint>

#include "base/box.h"
#include "ops/operator.h"

namespace sardonyx::ops {

// DTYPE_UNSUPPORTED unless input `input` is of the kind.
Status check_kind(const InferContext& context, size_t input, ValueKind kind);

// Makes output 0 refer to a box of the run's heap.
Status put_box(const RunContext& context, Box box);
// Makes output 0 refer to the box of input 0.
void share_box(const RunContext& context);

// Integer `i` of a tensor of int64 or int32.
int64_t int_at(const TensorView& tensor, int64_t i);

}  // namespace sardonyx::ops
