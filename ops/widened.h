// 16-bit floats for kernels that compute in float32.
#pragma once

#include "ops/operator.h"

namespace sardonyx::ops {

// The kernel itself, or, when an input is float16 or bfloat16, one that converts such inputs to
// float32 in scratch memory before it runs the kernel, and outputs of these types afterwards. The
// kernel may not have packed such an input.
Result<KernelPtr> widened(const KernelInit& init, KernelPtr kernel);

}  // namespace sardonyx::ops
