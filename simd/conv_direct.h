// Convolution of any number of groups over one to three axes, row-major: rows of multiply-adds
// along the width, without packing. For what the other algorithms do not take.
#pragma once

#include "base/status.h"
#include "simd/activation.h"
#include "simd/conv.h"

namespace sardonyx::simd {

// y = act(conv(x, weights) + bias + add) with weights [out_channels, group_in, depth, height,
// width] as in the model. `bias` and `add` may be null; `add` is like y.
Status conv_direct(const ConvShape& shape, const float* x, const float* weights, const float* bias,
                   const float* add, const Activation& activation, float* y);

}  // namespace sardonyx::simd
