// Convolution of 8-bit integers: ConvInteger, QLinearConv and what passes make of Conv.
#pragma once

#include "ops/operator.h"
#include "ops/requantization.h"

namespace sardonyx::ops {

Status infer_integer_conv(InferContext& context, const IntegerInputs& at,
                          const IntegerEnding& ending);
Result<KernelPtr> make_integer_conv(const KernelInit& init, const IntegerInputs& at,
                                    const IntegerEnding& ending);

}  // namespace sardonyx::ops
