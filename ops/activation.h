// The activation of fused nodes, from the attributes "activation" (string) and "activation_params"
// (floats), as com.microsoft FusedConv and FusedGemm spell them; FusedGemm's older
// "activation_alpha", "activation_beta" and "activation_gamma" are read too.
//   Relu, Sigmoid, Tanh, HardSwish, Silu  no parameters
//   LeakyRelu(alpha = 0.01), HardSigmoid(alpha = 0.2, beta = 0.5), Clip(min, max)
#pragma once

#include "base/status.h"
#include "ops/attributes.h"
#include "simd/activation.h"

namespace sardonyx::ops {

// kNone when the node has no activation; ATTRIBUTE_INVALID for an unknown one.
Result<simd::Activation> parse_activation(const Attributes& attributes);

}  // namespace sardonyx::ops
