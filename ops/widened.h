// Kernels that compute in float32, for tensors of other dtypes.
#pragma once

#include "ops/operator.h"

namespace sardonyx::ops {

using MakeKernel = Result<KernelPtr> (*)(const KernelInit&);

// The kernel that `make` gives, with inputs and outputs converted in scratch memory around it:
// those of float16, bfloat16 and float64, and those of input 0's dtype, as float32. Where there is
// nothing to convert it is the kernel itself.
Result<KernelPtr> widened(const KernelInit& init, MakeKernel make);

// The dtypes that widened() is for: input `i` is float32, float16, bfloat16 or float64, or any
// number or bool. Absent inputs pass.
Status check_float(const InferContext& context, size_t input);
Status check_numeric(const InferContext& context, size_t input);

}  // namespace sardonyx::ops
