// Shape rule and kernel of the operators that a BinarySpec describes.
#pragma once

#include "ops/binary_map.h"
#include "ops/operator.h"

namespace sardonyx::ops {

// `required` to `maximum` operands of dtypes that fit, broadcast to output 0.
Status infer_operands(InferContext& context, const BinarySpec& spec, size_t required,
                      size_t maximum);

// in0 op in1 op in2…; a single operand is copied. The second form multiplies the result, which
// must be of floats then.
Result<KernelPtr> make_binary(const BinarySpec& spec);
Result<KernelPtr> make_scaled_binary(const BinarySpec& spec, double scale);

}  // namespace sardonyx::ops
