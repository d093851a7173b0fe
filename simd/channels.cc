#include "simd/channels.h"

#include "simd/elementwise.h"
#include "simd/layout.h"
#include "simd/parallel.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

constexpr double kNsPerFloat = 0.25;

}  // namespace

Status scale_channels(Layout layout, int64_t images, int64_t channels, int64_t plane,
                      const float* x, const float* scale, const float* offset, float* y) {
  const bool blocked = layout == Layout::kNC4HW4;
  if (images * channels * plane == 0) return {};
  if (!blocked && plane == 1) {
    const int64_t grain = grain_for(kNsPerFloat * static_cast<double>(channels));
    return parallel_for(images, grain, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        scale_offset(x + i * channels, scale, offset, y + i * channels, channels);
      }
    });
  }
  const int64_t planes = blocked ? channel_blocks(channels) : channels;
  const int64_t floats = blocked ? plane * kChannelBlock : plane;
  const int64_t grain = grain_for(kNsPerFloat * static_cast<double>(floats));
  return parallel_for(images * planes, grain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* from = x + i * floats;
      float* to = y + i * floats;
      const int64_t at = i % planes;
      if (!blocked) {
        scale_offset(from, scale[at], offset[at], to, floats);
        continue;
      }
      const f32x4 a = load(scale + kChannelBlock * at), b = load(offset + kChannelBlock * at);
      for (int64_t k = 0; k < floats; k += kChannelBlock) store(to + k, madd(load(from + k), a, b));
    }
  });
}

}  // namespace sardonyx::simd
