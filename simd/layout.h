// Row-major and channel-blocked (NC4HW4) storage. An image is [C][plane] in the one and
// [ceil(C / 4)][plane][4] in the other, where `plane` is the number of pixels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"

namespace sardonyx::simd {

inline constexpr int64_t kChannelBlock = 4;

constexpr int64_t channel_blocks(int64_t channels) {
  return (channels + kChannelBlock - 1) / kChannelBlock;
}

// `images` images of elements of 1, 2, 4 or 8 bytes (16 and others: any size works, slowly).
// Padding lanes become zero.
Status to_nc4hw4(const void* from, int64_t images, int64_t channels, int64_t plane,
                 size_t element_bytes, void* to);
Status to_row_major(const void* from, int64_t images, int64_t channels, int64_t plane,
                    size_t element_bytes, void* to);

// Pixels [0, count) of up to four channels that are `from_stride` floats apart, as one block of a
// channel-blocked image. Lanes from `channels` on become zero.
void interleave_channels(const float* from, int64_t from_stride, int64_t channels, int64_t count,
                         float* to);
// The reverse; exactly `channels` channels are written.
void separate_channels(const float* from, int64_t channels, int64_t count, float* to,
                       int64_t to_stride);

// Copies channels [0, channels) of a channel-blocked image to channels [first, first + channels) of
// another one of the same plane. Other lanes of `to` stay as they are.
void copy_channels(const float* from, int64_t channels, int64_t plane, float* to, int64_t first);

}  // namespace sardonyx::simd
