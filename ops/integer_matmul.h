// Products of 8-bit matrices: MatMulInteger, QLinearMatMul and what passes make of MatMul and Gemm.
#pragma once

#include "ops/operator.h"
#include "ops/requantization.h"

namespace sardonyx::ops {

Status infer_integer_matmul(InferContext& context, const IntegerInputs& at,
                            const IntegerEnding& ending);
Result<KernelPtr> make_integer_matmul(const KernelInit& init, const IntegerInputs& at,
                                      const IntegerEnding& ending);

}  // namespace sardonyx::ops
