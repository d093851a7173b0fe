// Mutations of tensors: those of a model, and those that it is fed.
#pragma once

#include "onnx/onnx.pb.h"
#include "tests/cpp/conformance/draw.h"

namespace sardonyx::test {

// The most that the mutations make of a tensor.
inline constexpr int64_t kMaxMutatedElements = 1 << 14;

// Payload bytes of a tensor with `elements` of `dtype`; 0 where there is no raw form.
size_t raw_bytes(int dtype, int64_t elements);

// Repeats or cuts the payload until it fits the dims and the dtype. Nothing for tensors without raw
// data, and above kMaxMutatedElements.
void fit_payload(onnx::TensorProto& tensor);

// Changes dims, dtype, elements or the payload.
void mutate_tensor(onnx::TensorProto& tensor, Draw& draw);

}  // namespace sardonyx::test
