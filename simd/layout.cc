#include "simd/layout.h"

#include <algorithm>
#include <cstring>

#include "simd/parallel.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

// A float in and out of memory, both streamed.
constexpr double kNsPerFloat = 0.5;

// Sixteen pixels of four channels of bytes, from rows of channels to rows of pixels or back.
void transpose_pixels(const uint8_t* from, int64_t from_stride, uint8_t* to, int64_t to_stride,
                      bool interleaves) {
  const auto within = [](f32x4 x) -> f32x4 {
    return {wasm_i8x16_shuffle(x.v, x.v, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)};
  };
  f32x4 x[4];
  for (int i = 0; i < 4; ++i) {
    x[i] = {wasm_v128_load(from + i * from_stride)};
    if (!interleaves) x[i] = within(x[i]);
  }
  transpose(x[0], x[1], x[2], x[3]);
  for (int i = 0; i < 4; ++i) {
    wasm_v128_store(to + i * to_stride, interleaves ? within(x[i]).v : x[i].v);
  }
}

// Elements of other sizes than four bytes, one channel block: lane by lane.
void interleave_lanes(const uint8_t* from, int64_t stride, int64_t channels, int64_t count,
                      size_t element, uint8_t* to) {
  const size_t block = element * kChannelBlock;
  std::memset(to, 0, static_cast<size_t>(count) * block);
  for (int64_t c = 0; c < channels; ++c) {
    const uint8_t* row = from + static_cast<size_t>(c * stride) * element;
    uint8_t* lane = to + static_cast<size_t>(c) * element;
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(lane + static_cast<size_t>(i) * block, row + static_cast<size_t>(i) * element,
                  element);
    }
  }
}

void separate_lanes(const uint8_t* from, int64_t channels, int64_t count, size_t element,
                    uint8_t* to, int64_t stride) {
  const size_t block = element * kChannelBlock;
  for (int64_t c = 0; c < channels; ++c) {
    const uint8_t* lane = from + static_cast<size_t>(c) * element;
    uint8_t* row = to + static_cast<size_t>(c * stride) * element;
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(row + static_cast<size_t>(i) * element, lane + static_cast<size_t>(i) * block,
                  element);
    }
  }
}

// The same for whole blocks of bytes.
void interleave_elements(const uint8_t* from, int64_t stride, int64_t channels, int64_t count,
                         size_t element, uint8_t* to) {
  int64_t i = 0;
  if (element == 1 && channels == kChannelBlock) {
    for (; i + 16 <= count; i += 16) transpose_pixels(from + i, stride, to + 4 * i, 16, true);
  }
  const auto skipped = static_cast<size_t>(i) * element;
  interleave_lanes(from + skipped, stride, channels, count - i, element,
                   to + kChannelBlock * skipped);
}

void separate_elements(const uint8_t* from, int64_t channels, int64_t count, size_t element,
                       uint8_t* to, int64_t stride) {
  int64_t i = 0;
  if (element == 1 && channels == kChannelBlock) {
    for (; i + 16 <= count; i += 16) transpose_pixels(from + 4 * i, 16, to + i, stride, false);
  }
  const auto skipped = static_cast<size_t>(i) * element;
  separate_lanes(from + kChannelBlock * skipped, channels, count - i, element, to + skipped,
                 stride);
}

}  // namespace

void interleave_channels(const float* from, int64_t from_stride, int64_t channels, int64_t count,
                         float* to) {
  const float* rows[4];
  for (int64_t c = 0; c < 4; ++c) rows[c] = from + std::min(c, channels - 1) * from_stride;
  int64_t i = 0;
  const f32x4 none = zero();
  for (; i + 4 <= count; i += 4) {
    f32x4 a = load(rows[0] + i);
    f32x4 b = channels > 1 ? load(rows[1] + i) : none;
    f32x4 c = channels > 2 ? load(rows[2] + i) : none;
    f32x4 d = channels > 3 ? load(rows[3] + i) : none;
    transpose(a, b, c, d);
    float* out = to + 4 * i;
    store(out, a);
    store(out + 4, b);
    store(out + 8, c);
    store(out + 12, d);
  }
  for (; i < count; ++i) {
    for (int64_t c = 0; c < 4; ++c) to[4 * i + c] = c < channels ? rows[c][i] : 0.0f;
  }
}

void separate_channels(const float* from, int64_t channels, int64_t count, float* to,
                       int64_t to_stride) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const float* in = from + 4 * i;
    f32x4 a = load(in), b = load(in + 4), c = load(in + 8), d = load(in + 12);
    transpose(a, b, c, d);
    store(to + i, a);
    if (channels > 1) store(to + to_stride + i, b);
    if (channels > 2) store(to + 2 * to_stride + i, c);
    if (channels > 3) store(to + 3 * to_stride + i, d);
  }
  for (; i < count; ++i) {
    for (int64_t c = 0; c < channels; ++c) to[c * to_stride + i] = from[4 * i + c];
  }
}

Status to_nc4hw4(const void* from, int64_t images, int64_t channels, int64_t plane,
                 size_t element_bytes, void* to) {
  const int64_t blocks = channel_blocks(channels);
  if (images * blocks * plane == 0) return {};
  const int64_t grain = grain_for(kNsPerFloat * 4.0 * static_cast<double>(plane));
  return parallel_for(images * blocks, grain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t channel = i % blocks * kChannelBlock;
      const int64_t source = (i / blocks * channels + channel) * plane;
      const int64_t target = i * plane * kChannelBlock;
      const int64_t count = std::min(channels - channel, kChannelBlock);
      if (element_bytes == sizeof(float)) {
        interleave_channels(static_cast<const float*>(from) + source, plane, count, plane,
                            static_cast<float*>(to) + target);
      } else {
        interleave_elements(
            static_cast<const uint8_t*>(from) + static_cast<size_t>(source) * element_bytes, plane,
            count, plane, element_bytes,
            static_cast<uint8_t*>(to) + static_cast<size_t>(target) * element_bytes);
      }
    }
  });
}

Status to_row_major(const void* from, int64_t images, int64_t channels, int64_t plane,
                    size_t element_bytes, void* to) {
  const int64_t blocks = channel_blocks(channels);
  if (images * blocks * plane == 0) return {};
  const int64_t grain = grain_for(kNsPerFloat * 4.0 * static_cast<double>(plane));
  return parallel_for(images * blocks, grain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t channel = i % blocks * kChannelBlock;
      const int64_t source = i * plane * kChannelBlock;
      const int64_t target = (i / blocks * channels + channel) * plane;
      const int64_t count = std::min(channels - channel, kChannelBlock);
      if (element_bytes == sizeof(float)) {
        separate_channels(static_cast<const float*>(from) + source, count, plane,
                          static_cast<float*>(to) + target, plane);
      } else {
        separate_elements(
            static_cast<const uint8_t*>(from) + static_cast<size_t>(source) * element_bytes, count,
            plane, element_bytes,
            static_cast<uint8_t*>(to) + static_cast<size_t>(target) * element_bytes, plane);
      }
    }
  });
}

void copy_channels(const float* from, int64_t channels, int64_t plane, float* to, int64_t first) {
  if (first % kChannelBlock == 0) {
    const int64_t full = channels / kChannelBlock * kChannelBlock;
    if (full > 0) {
      std::memcpy(to + first * plane, from, static_cast<size_t>(full * plane) * sizeof(float));
    }
    from += full * plane;
    to += full * plane;
    channels -= full;
  }
  for (int64_t c = 0; c < channels; ++c) {
    const int64_t target = first + c;
    const float* in = from + c / kChannelBlock * plane * kChannelBlock + c % kChannelBlock;
    float* out = to + target / kChannelBlock * plane * kChannelBlock + target % kChannelBlock;
    for (int64_t i = 0; i < plane; ++i) out[i * kChannelBlock] = in[i * kChannelBlock];
  }
}

}  // namespace sardonyx::simd
