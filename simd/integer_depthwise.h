// Integer convolution of each channel by itself, over the padded 16-bit image that integer_conv.h
// makes: one row of outputs at a time, eight of them at once.
#pragma once

#include <cstdint>

#include "simd/conv.h"
#include "simd/integer_gemm.h"

namespace sardonyx::simd {

// One filter per channel: the form that is computed here.
bool is_integer_depthwise(const ConvSpec& spec);

// Row `row` of channel `channel`'s output, out[2] elements at `out`, bytes or int32 as `output`
// says. `image` is the channel's, its rows `columns` elements apart; `weights` are the taps of the
// channel. Up to 32 elements behind the image are read.
void integer_depthwise_row(const ConvShape& shape, const int16_t* image, int64_t columns,
                           const int16_t* weights, const IntegerOutput& output, int64_t channel,
                           int64_t row, void* out);

}  // namespace sardonyx::simd
