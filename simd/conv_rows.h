// Convolutions of one tap over few channels, on channel blocks. The pixels of a chunk are copied
// into rows of all their channels first, so that a tile takes its products in one loop, and so that
// planes that are multiples of 4 KB apart, which share the ways of the first-level cache, do not
// push each other out of it.
//
// GFLOP/s in Chromium 156, read where they lie / copied: 64 to 64 on 64x80 50 / 55, 24 to 88 on
// 32x32 47 / 55, 16 to 72 on 64x64 48 / 54, 128 to 128 on 32x32 50 / 57, but 128 to 32 on 52x52
// 54 / 51; without relaxed SIMD 64 to 64 34 / 42.
#pragma once

#include <cstdint>

#include "simd/conv.h"
#include "simd/conv_image.h"

namespace sardonyx::simd {

// Pixels of a chunk.
inline constexpr int64_t kPixelBlock = 48;

// Whether such a convolution is faster so than by IndirectConv, whose packed weights and bias it
// takes.
bool conv_rows_takes(const ConvShape& shape);

// Chunks of kPixelBlock pixels that make a plane. The last one takes what is left, so that none has
// fewer than a tile.
int64_t conv_rows_blocks(int64_t plane);

// Panels [panel, panel_end) of `pixels` pixels from `first` on: y = act(conv(x) + bias + add).
void conv_rows_chunk(const ConvShape& shape, const ConvImage& image, int64_t first, int64_t pixels,
                     int64_t panel, int64_t panel_end);

}  // namespace sardonyx::simd
