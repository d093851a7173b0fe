// Convolution of 8-bit integers with one channel per group, row-major, eight pixels at a time.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "simd/conv.h"
#include "simd/integer_image.h"

namespace sardonyx::simd {

// One channel per group, one filter per channel, and a stride of at most 2 along rows.
bool is_integer_depthwise(const ConvSpec& spec);

// `offsets`: where the taps of a window are in its plane, pairs complete; `out`: the element of the
// output where the image starts.
Status integer_depthwise(const ConvShape& shape, const IntegerImage& image, const int32_t* offsets,
                         const IntegerOperand& operand, const IntegerFilters& filters,
                         const IntegerOutput& output, int64_t out);

}  // namespace sardonyx::simd
