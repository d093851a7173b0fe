// Whether a result agrees with what ONNX's suite expects.
#pragma once

#include <string>

#include "base/tensor.h"

namespace sardonyx::test {

// Empty when they agree: dtype and shape the same, floats within rtol 1e-3 and atol 1e-5 (float16
// 1e-2 and 1e-3, bfloat16 2e-2 and 1e-2), everything else equal. Otherwise what differs first.
std::string difference(const TensorView& actual, const TensorView& expected);

}  // namespace sardonyx::test
